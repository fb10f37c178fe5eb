import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { listNames, normalizeName, renderSite } from '../../src/plan/site.ts';

const plain = { HTTPS_PORT: '443', UPLOAD_MAX_MB: '25', RATE_LIMIT: '100' };

describe('what nginx gets from .env', () => {
  it('without DOMAIN answers to any name, sends nobody away, and no HSTS', () => {
    const files = renderSite(plain);
    expect(files['names.conf']).to.contain('server_name ~.;');
    expect(files['strangers.conf']).to.not.contain('ssl_reject_handshake');
    expect(files['http.conf'])
      .to.contain('$hsts { default ""; }')
      .and.contain('$public_port { default ""; }');
  });

  it('with DOMAIN answers to its names alone, refuses the handshake for others, and sends HSTS for two years', () => {
    const files = renderSite({ ...plain, DOMAIN: 'a.example,b.example' });
    expect(files['names.conf']).to.contain('server_name a.example b.example;');
    expect(files['strangers.conf']).to.contain('ssl_reject_handshake on;');
    expect(files['http.conf']).to.contain('$hsts { default "max-age=63072000"; }');
  });

  // A client that asks for an address names nobody in the handshake: to refuse strangers there would refuse it too.
  it('does not refuse the handshake when one of the names is an address', () => {
    for (const [DOMAIN, spelled] of [
      ['192.0.2.7', '192.0.2.7'],
      ['2001:0db8:0000:0000:0000:0000:0000:0001', '[2001:db8::1]'],
    ] as const) {
      const files = renderSite({ ...plain, DOMAIN });
      expect(files['names.conf']).to.contain(`server_name ${spelled};`);
      expect(files['strangers.conf']).to.not.contain('ssl_reject_handshake');
    }
  });

  it('counts four seconds at once, or nobody', () => {
    expect(renderSite(plain)['limit.conf']).to.contain('burst=400 nodelay');
    expect(renderSite(plain)['http.conf']).to.contain('default $client;').and.contain('rate=100r/s');
    expect(renderSite({ ...plain, RATE_LIMIT: '0' })['http.conf']).to.contain('$limited { default ""; }');
  });

  it('believes X-Forwarded-For from trusted proxies alone', () => {
    expect(renderSite(plain)['http.conf']).to.not.contain('real_ip');
    const { 'http.conf': http } = renderSite({ ...plain, TRUSTED_PROXIES: '192.0.2.0/24,2001:db8::/32' });
    expect(http).to.contain('set_real_ip_from 192.0.2.0/24;').and.contain('set_real_ip_from 2001:db8::/32;');
    expect(http).to.contain('real_ip_header X-Forwarded-For;').and.contain('real_ip_recursive on;');
  });

  // The service counts exactly; nginx's limit for everything else would refuse a photo before.
  // Mutation tried: the panel's location without upload.conf.
  it('lets photos through to the API and to the panel, and nothing larger than a form to anything else', () => {
    const conf = readFileSync(path.resolve(import.meta.dirname, '../../../nginx/conf.d/site.conf'), 'utf8');
    const uploads = [...conf.matchAll(/location ~ (\S+) \{([^}]*)\}/g)].filter(([, , body]) =>
      body?.includes('include site/upload.conf;'),
    );
    const takes = (uri: string) => uploads.some(([, pattern = '']) => new RegExp(pattern).test(uri));
    expect(takes('/api/salons/rose/photos')).to.equal(true);
    expect(takes('/admin/api/uploads/salons/12')).to.equal(true);
    for (const uri of [
      '/admin/api/uploads/salons/',
      '/admin/api/uploads/salons/1/x',
      '/x/admin/api/uploads/salons/1',
    ])
      expect(takes(uri), uri).to.equal(false);
  });

  it('spells names as certificates and browsers do', () => {
    expect(normalizeName('2001:DB8:0:0:0:0:0:1')).to.equal('2001:db8::1');
    expect(normalizeName('Example.ORG')).to.equal('example.org');
    expect(listNames({})).to.deep.equal([]);
  });
});
