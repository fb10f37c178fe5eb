import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';

const root = path.resolve(import.meta.dirname, '../..');
const REMOTE = (words: string) =>
  `cd /opt/sevra-atlas && if [ "$(id -u)" = 0 ]; then exec ops/atlas ${words}; else exec sudo ops/atlas ${words}; fi`;

describe('HOST=', () => {
  let bin: string;
  const asked = () => {
    const file = path.join(bin, 'asked');
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  };
  const make = (args: string[], env: Record<string, string> = {}) =>
    execa('make', ['--no-print-directory', ...args], {
      cwd: root,
      env: { PATH: `${bin}:${process.env.PATH}`, ...env },
      stdin: 'ignore',
      reject: false,
    });

  beforeEach(() => {
    bin = mkdtempSync(path.join(tmpdir(), 'atlas-bin-'));
    writeFileSync(path.join(bin, 'ssh'), `#!/bin/sh\nprintf '%s\\n' "$@" >${bin}/asked\nexit 3\n`);
    chmodSync(path.join(bin, 'ssh'), 0o755);
  });
  afterEach(() => rmSync(bin, { recursive: true }));

  it('asks the same of the server, with pinned host keys and no terminal where there is none here', async () => {
    const cases: [string[], string][] = [
      [['logs', 'SERVICE=api'], 'logs api'],
      [['status', 'JSON=1'], 'status --json'],
      [['console'], 'psql'],
      [['psql'], 'psql'],
      [['releases'], 'releases'],
      [['deploy', 'TAG=v1.2.3', 'WAIT=60'], 'deploy --tag v1.2.3 --wait 60'],
      [['rollback', 'SCHEMA=restore', 'YES=1'], 'rollback --schema restore --yes'],
    ];
    for (const [args, words] of cases) {
      const { exitCode, stderr } = await make([...args, 'HOST=root@vps.example']);
      expect(stderr).to.contain('Error 3');
      expect(exitCode).to.equal(2);
      expect(asked()).to.deep.equal([
        '-o',
        'StrictHostKeyChecking=yes',
        '--',
        'root@vps.example',
        REMOTE(words),
      ]);
    }
  });

  it('trusts the keys of KNOWN_HOSTS alone when that is given', async () => {
    const known = path.join(bin, 'known hosts');
    await make(['status', 'HOST=vps', `KNOWN_HOSTS=${known}`]);
    expect(asked(), 'no such file').to.deep.equal([]);
    writeFileSync(known, '');
    await make(['status', 'HOST=vps', `KNOWN_HOSTS=${known}`]);
    expect(asked().slice(2, 6)).to.deep.equal([
      '-o',
      `UserKnownHostsFile="${known}"`,
      '-o',
      'GlobalKnownHostsFile=/dev/null',
    ]);
  });

  // Mutations (not tried): the words not checked; HOST checked for nothing.
  it('refuses what a shell over there would read differently, and what is no host', async () => {
    for (const variable of [
      'TAG=v1;id',
      'TAG=$$(id)',
      'TAG=a b',
      'TAG=`id`',
      "TAG='",
      'TAG=a\\b',
      'TAG=*',
      'TAG=~root',
    ])
      expect((await make(['deploy', variable, 'HOST=vps'])).stderr, variable).to.contain('Error 2');
    for (const host of ['-oProxyCommand=id', 'a b', 'root@vps;id', '@vps', '-lroot'])
      expect((await make(['status', `HOST=${host}`])).stderr, host).to.contain('is not user@host');
    expect((await make(['dev', 'HOST=vps'])).stderr).to.contain('dev works on this checkout');
    expect(asked()).to.deep.equal([]);
  });

  it('means nothing in the environment, where some shells keep the name of this machine', async () => {
    const shown = await make(['--eval', 'show:; @echo [$$ATLAS_HOST]', 'show'], { HOST: 'this-machine' });
    expect(shown.stdout).to.equal('[]');
  });
});
