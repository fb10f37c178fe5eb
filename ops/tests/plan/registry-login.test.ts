import { expect } from 'chai';
import { formatRegistryAuth, parseRegistryLogin } from '../../src/plan/registry-login.ts';

describe('the registry login', () => {
  it('is one line of user and token; an empty line is none, anything else is refused', () => {
    expect(parseRegistryLogin('ci ghs_abc')).to.deep.equal({ user: 'ci', token: 'ghs_abc' });
    expect(parseRegistryLogin('ci ghs_abc\r')).to.deep.equal({ user: 'ci', token: 'ghs_abc' });
    for (const line of ['', '  ']) expect(parseRegistryLogin(line)).to.equal(null);
    for (const line of ['ghs_abc', 'ci  ghs', 'ci ghs more', 'a\tb'])
      expect(parseRegistryLogin(line), line).to.equal(undefined);
  });

  it("is told to the engine in the way of its API, for the image's own registry", () => {
    const login = { user: 'ci', token: 'ghs_?>~' };
    const auth = (reference: string) =>
      JSON.parse(Buffer.from(formatRegistryAuth(login, reference), 'base64url').toString());
    expect(auth('ghcr.io/you/atlas:v1')).to.deep.equal({
      username: 'ci',
      password: 'ghs_?>~',
      serveraddress: 'ghcr.io',
    });
    expect(auth('localhost:5000/atlas:v1').serveraddress).to.equal('localhost:5000');
    for (const reference of ['atlas:v1', 'you/atlas:v1'])
      expect(auth(reference).serveraddress).to.equal('https://index.docker.io/v1/');
    // This was a bug once: Node's own base64url. A real registry then says "no basic auth credentials" to two tokens in three.
    for (const token of ['a', 'ab', 'abc', 'ghs_?>~???'])
      expect(formatRegistryAuth({ user: 'ci', token }, 'atlas:v1'), token).to.match(
        /^(?:[\w-]{4})+(?:[\w-]{2}==|[\w-]{3}=)?$/,
      );
  });
});
