import { expect } from 'chai';
import { execa } from 'execa';
import { composeProvisionScript, wrapScript } from '../../src/host/provision-script.ts';
import { checkHost } from '../../src/host/ssh.ts';

const bash = (input: string) => execa('bash', ['-s', '--', 'one', 'two'], { input, reject: false });

describe('scripts for another machine', () => {
  // Mutation: quote without its replacement.
  it('values reach bash as they are, whatever is in them', async () => {
    const value = `it's $(id) \`id\` "x" \\ \n -n`;
    const { stdout } = await bash(wrapScript({ value }, `printf '%s|' "$value" "$2"`));
    expect(stdout).to.equal(`${value}|two|`);
  });

  // Mutation: without the braces.
  it('one that is cut runs nothing', async () => {
    const script = wrapScript({}, 'echo first\necho second');
    expect((await bash(script.slice(0, script.indexOf('echo second')))).stdout).to.equal('');
  });

  it('ends with the code of what failed', async () => {
    expect((await bash(wrapScript({}, '(exit 3)\necho more'))).exitCode).to.equal(3);
  });

  it('all parts together are what bash can read', async () => {
    const script = await composeProvisionScript({ root: '/opt/sevra-atlas', ci_key: '' });
    const { exitCode, stderr } = await execa('bash', ['-n'], { input: script, reject: false });
    expect([exitCode, stderr]).to.deep.equal([0, '']);
  });
});

describe('HOST', () => {
  it('is user@host, and never an option or a command', () => {
    for (const host of ['vps', 'root@vps', 'root@203.0.113.7', 'deploy@example.org', 'root@[2001:db8::1]'])
      expect(checkHost(host)).to.equal(host);
    for (const host of [
      '',
      undefined,
      '-oProxyCommand=id',
      'root@-x',
      'root@vps;id',
      'a b',
      'vps:22',
      'root@vps\nx',
    ])
      expect(() => checkHost(host), String(host)).to.throw(/HOST/);
  });
});
