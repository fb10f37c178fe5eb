import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { assert } from 'chai';
import { execa } from 'execa';

const ops = resolve(import.meta.dirname, '..');
const nobody =
  process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];

/** A checkout with nothing but bootstrap.sh, and a PATH with nothing but what the test puts there. */
class Machine {
  readonly root = mkdtempSync(join(tmpdir(), 'atlas-bootstrap-'));
  readonly bin = join(this.root, 'bin');
  readonly calls = join(this.root, 'calls');

  constructor() {
    chmodSync(this.root, 0o777);
    mkdirSync(this.bin);
    mkdirSync(join(this.root, 'ops'));
    cpSync(join(ops, 'bootstrap.sh'), join(this.root, 'ops/bootstrap.sh'));
    cpSync(join(ops, 'bootstrap'), join(this.root, 'ops/bootstrap'), { recursive: true });
    for (const tool of 'bash cat chmod dirname flock id mkdir mv rm sed sha256sum tail'.split(' '))
      symlinkSync(`/usr/bin/${tool}`, join(this.bin, tool));
    this.lockfile('{}');
    this.release('debian', '13', 'trixie');
  }

  release(id: string, version: string, codename: string) {
    const lines = `ID=${id}\nVERSION_ID="${version}"\nVERSION_CODENAME=${codename}\n`;
    writeFileSync(join(this.root, 'os-release'), lines);
  }

  /** Installs a command that notes its arguments and prints `output`. */
  command(name: string, output = '', script = '') {
    const path = join(this.bin, name);
    rmSync(path, { force: true });
    writeFileSync(path, `#!/bin/bash\necho "${name} $*" >>"${this.calls}"\n${script}\necho '${output}'\n`);
    chmodSync(path, 0o755);
  }

  lockfile(content: string): string {
    writeFileSync(join(this.root, 'package-lock.json'), content);
    return createHash('sha256').update(content).digest('hex');
  }

  get stamp(): string {
    const path = join(this.root, 'node_modules/.atlas-installed');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** What the fake commands were called with since the last time. */
  takeCalls(name: string): string[] {
    const lines = existsSync(this.calls) ? readFileSync(this.calls, 'utf8').split('\n') : [];
    rmSync(this.calls, { force: true });
    return lines.filter((line) => line.startsWith(`${name} `));
  }

  async bootstrap(args: string[], { as = [] as string[], env = {} as Record<string, string> } = {}) {
    const script = join(this.root, 'ops/bootstrap.sh');
    const [file = '', ...rest] = [
      ...as.map((word) => (word === 'setpriv' ? '/usr/bin/setpriv' : word)),
      '/bin/bash',
      script,
      ...args,
    ];
    return execa(file, rest, {
      reject: false,
      extendEnv: false,
      env: { PATH: this.bin, HOME: this.root, OS_RELEASE_FILE: join(this.root, 'os-release'), ...env },
    });
  }
}

describe('bootstrap.sh', () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(() => rmSync(machine.root, { recursive: true }));

  /** Node and npm as they should be; npm leaves a node_modules behind, as the real one does. */
  function withNode(version = 'v24.9.0') {
    machine.command('node', version);
    machine.command('npm', '', `mkdir -p "${machine.root}/node_modules"`);
  }

  describe('plan', () => {
    const plans: [string, string, string, RegExp[]][] = [
      [
        'debian',
        '12',
        'bookworm',
        [
          /^node: nodejs, from https:.*node_24.x/m,
          /: docker.io, from distribution/,
          /docker-compose docker-buildx, from .*suite trixie$/m,
        ],
      ],
      [
        'debian',
        '13',
        'trixie',
        [
          /^node: nodejs npm, from distribution$/m,
          /linux\/debian trixie$/m,
          /: docker.io docker-cli, /,
          /docker-compose docker-buildx, from distribution$/m,
        ],
      ],
      [
        'ubuntu',
        '24.04',
        'noble',
        [
          /^node: nodejs, from https:/m,
          /linux\/ubuntu noble$/m,
          /docker-compose-v2 docker-buildx, from distribution$/m,
        ],
      ],
    ];
    for (const [id, version, codename, expected] of plans) {
      it(`knows ${id} ${version}`, async () => {
        machine.release(id, version, codename);
        const { exitCode, stdout } = await machine.bootstrap(['plan']);
        assert.equal(exitCode, 0);
        for (const line of expected) assert.match(stdout, line);
      });
    }

    it('says what to install by hand on any other', async () => {
      machine.release('gentoo', '2.17', '');
      const { exitCode, stdout, stderr } = await machine.bootstrap(['plan']);
      assert.equal(exitCode, 2);
      assert.equal(stdout, '');
      assert.match(
        stderr,
        /unknown distribution: gentoo 2\.17[\s\S]*Node >= 20\.19[\s\S]*compose v2 >= 2\.26/,
      );
    });
  });

  describe('when something is missing', () => {
    it('without root names everything at once, exits 2 and changes nothing', async () => {
      // The user's own plugin directory comes first, so this hides whatever the test's machine has.
      const plugins = join(machine.root, '.docker/cli-plugins');
      mkdirSync(plugins, { recursive: true });
      writeFileSync(join(plugins, 'docker-compose'), '#!/bin/bash\necho 1.29.2\n', { mode: 0o755 });
      const { exitCode, stderr } = await machine.bootstrap(['run', '--engine', '--packages', 'shellcheck'], {
        as: nobody,
      });
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /only root can install it; nothing was changed/);
      for (const what of [
        /- Node >= 20\.19 with npm/,
        /- the docker command/,
        /- docker compose v2 >= 2\.26/,
        /- shellcheck/,
      ])
        assert.match(stderr, what);
      assert.isFalse(existsSync(join(machine.root, '.atlas')));
      assert.isFalse(existsSync(join(machine.root, 'node_modules')));
    });

    it('on an unknown distribution refuses before the first change, root or not', async () => {
      machine.release('gentoo', '2.17', '');
      machine.command('apt-get');
      const { exitCode, stderr } = await machine.bootstrap(['run']);
      assert.equal(exitCode, 2);
      assert.match(stderr, /gentoo 2\.17 is not one of Debian 12, Debian 13, Ubuntu 24\.04/);
      assert.deepEqual(machine.takeCalls('apt-get'), []);
    });

    it('takes a Node that is too old, or one without npm, for none', async () => {
      withNode('v18.20.4');
      assert.equal((await machine.bootstrap(['run'], { as: nobody })).exitCode, 2);
      withNode();
      rmSync(join(machine.bin, 'npm'));
      assert.equal((await machine.bootstrap(['run'], { as: nobody })).exitCode, 2);
    });

    // Mutation: engine_missing known only where an engine is asked for.
    it('of packages alone installs them, whether or not an engine is asked for', async function () {
      if (process.getuid?.() !== 0) return this.skip();
      withNode();
      machine.command('dpkg-query');
      machine.command('apt-get');
      const { exitCode, stderr } = await machine.bootstrap(['run', '--packages', 'cron']);
      assert.equal(exitCode, 0, stderr);
      const installs = machine.takeCalls('apt-get').filter((line) => line.includes(' install '));
      assert.match(installs.join(), /--no-install-recommends cron\b/);
      assert.equal(installs.length, 1);
    });

    it('with DOCKER_HOST set never installs an engine', async () => {
      withNode();
      const { exitCode, stderr } = await machine.bootstrap(['run', '--engine'], {
        env: { DOCKER_HOST: 'ssh://far' },
      });
      assert.equal(exitCode, 2);
      assert.match(stderr, /DOCKER_HOST is set/);
      assert.notMatch(stderr, /Docker Engine/);
    });

    it('refuses words it does not know', async () => {
      for (const args of [['install'], ['run', '--engin'], ['run', '--packages', 'a;b']]) {
        const { exitCode, stderr } = await machine.bootstrap(args);
        assert.equal(exitCode, 2, args.join(' '));
        assert.match(stderr, /usage: ops\/bootstrap\.sh run/);
      }
    });
  });

  it('compares versions number by number', async () => {
    const script = `. ${ops}/bootstrap/version.sh; version_at_least "$1" "$2"`;
    const isAtLeast = async (have: string, floor: string) =>
      (await execa('bash', ['-c', script, '-', have, floor], { reject: false })).exitCode === 0;
    for (const [have, floor] of [
      ['v20.19.0', '20.19'],
      ['v24.1.0', '20.19'],
      ['2.26.1-4', '2.26'],
      ['v2.100.0', '2.26'],
      ['3', '2.26'],
      ['20.020.08', '20.19'],
    ])
      assert.isTrue(await isAtLeast(have ?? '', floor ?? ''), `${have} >= ${floor}`);
    for (const [have, floor] of [
      ['v20.18.9', '20.19'],
      ['v18.20.4', '20.19'],
      ['2.3', '2.26'],
      ['20', '20.19'],
      ['', '20.19'],
      ['dev', '2.26'],
    ])
      assert.isFalse(await isAtLeast(have ?? '', floor ?? ''), `${have} < ${floor}`);
  });

  describe('dependencies', () => {
    const npm = () => machine.takeCalls('npm').map((line) => line.replace(/^npm --prefix \S+ /, ''));
    const opsOnly = 'ci --no-audit --no-fund --workspace ops --omit=dev';
    const everything = 'ci --no-audit --no-fund';
    beforeEach(() => withNode());

    it('are installed once, and again when the lockfile changes', async () => {
      const first = await machine.bootstrap(['run']);
      assert.equal(first.exitCode, 0, first.stderr);
      assert.match(first.stderr, /npm: installing the dependencies \(ops only\)/);
      assert.deepEqual(npm(), [opsOnly]);
      assert.equal(machine.stamp, `ops ${machine.lockfile('{}')}\n`);

      const second = await machine.bootstrap(['run']);
      assert.deepEqual([second.exitCode, second.stdout, second.stderr], [0, '', '']);
      assert.deepEqual(npm(), []);

      const hash = machine.lockfile('{"changed":1}');
      await machine.bootstrap(['run']);
      assert.deepEqual(npm(), [opsOnly]);
      assert.equal(machine.stamp, `ops ${hash}\n`);
    });

    it('of a developer satisfy a server, and are never reduced', async () => {
      await machine.bootstrap(['run']);
      npm();
      await machine.bootstrap(['run', '--all']);
      assert.deepEqual(npm(), [everything]);
      await machine.bootstrap(['run']);
      assert.deepEqual(npm(), []);
      const hash = machine.lockfile('{"changed":1}');
      await machine.bootstrap(['run']);
      assert.deepEqual(npm(), [everything]);
      assert.equal(machine.stamp, `all ${hash}\n`);
    });

    it('that npm installed by hand are left alone', async () => {
      mkdirSync(join(machine.root, 'node_modules/.bin'), { recursive: true });
      writeFileSync(join(machine.root, 'node_modules/.bin/mocha'), '', { mode: 0o755 });
      writeFileSync(join(machine.root, 'node_modules/.package-lock.json'), '{}');
      utimesSync(join(machine.root, 'package-lock.json'), 1000, 1000);
      await machine.bootstrap(['run']);
      assert.deepEqual(npm(), []);
      assert.match(machine.stamp, /^all /);
    });

    it('that fail to install leave no stamp, and show why', async () => {
      machine.command('npm', '', 'echo "npm error code EUSAGE" >&2; exit 1');
      const { exitCode, stderr } = await machine.bootstrap(['run']);
      assert.equal(exitCode, 1);
      assert.match(
        stderr,
        /error: npm: installing[\s\S]*command: npm .*ci[\s\S]*EUSAGE[\s\S]*state:[\s\S]*next:/,
      );
      assert.equal(machine.stamp, '');
    });
  });

  describe('engine', () => {
    /** A docker command, compose and buildx of our own, with a daemon that answers or not. */
    function withDocker({ compose = '2.26.1', answers = true } = {}) {
      withNode();
      machine.command(
        'docker',
        '28.0.0',
        answers ? '' : 'echo "permission denied on the socket" >&2; exit 1',
      );
      machine.command('dockerd');
      const plugins = join(machine.root, '.docker/cli-plugins');
      mkdirSync(plugins, { recursive: true });
      for (const [plugin, version] of [
        ['compose', compose],
        ['buildx', 'v0.13.1'],
      ])
        writeFileSync(join(plugins, `docker-${plugin}`), `#!/bin/bash\necho ${version}\n`, { mode: 0o755 });
    }

    it('that is good and running is left alone, without root and without a word', async () => {
      withDocker();
      await machine.bootstrap(['run', '--engine'], { as: nobody });
      const again = await machine.bootstrap(['run', '--engine'], { as: nobody });
      assert.deepEqual([again.exitCode, again.stderr], [0, '']);
    });

    it('with a compose that is too old lacks compose and nothing else', async () => {
      withDocker({ compose: '2.25.9' });
      const { exitCode, stderr } = await machine.bootstrap(['run', '--engine'], { as: nobody });
      assert.equal(exitCode, 2);
      assert.match(stderr, /- docker compose v2 >= 2\.26$/m);
      assert.equal(stderr.match(/^ {2}- /gm)?.length, 1, stderr);
    });

    it('that does not answer this user is explained', async () => {
      withDocker({ answers: false });
      const { exitCode, stderr } = await machine.bootstrap(['run', '--engine'], { as: nobody });
      assert.equal(exitCode, 2);
      assert.match(
        stderr,
        /does not answer this user[\s\S]*permission denied on the socket[\s\S]*group docker/,
      );
      assert.deepEqual(machine.takeCalls('dockerd'), []);
    });
  });
});
