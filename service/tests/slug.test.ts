import { expect } from 'chai';
import { numberedSlug, slugify } from '../src/slug.ts';

describe('slug', () => {
  for (const [name, slug] of [
    ['Rosa & Söhne', 'rosa-söhne'],
    ["  Ana's  Nails!! ", 'anas-nails'],
    ['سالن زیبایی می\u200Cرز', 'سالن-زیبایی-می-رز'],
    ['美容室 さくら', '美容室-さくら'],
    ['ＦＵＬＬ ｗｉｄｔｈ', 'full-width'],
    ['हेयर सैलून', 'हेयर-सैलून'],
    ['Cafe\u0301', 'café'],
    ['!!!', 'salon'],
    ['\u0301', 'salon'],
    ['../../etc/passwd', 'etc-passwd'],
  ] as const) {
    it(`${JSON.stringify(name)} -> ${slug}`, () => expect(slugify(name)).to.equal(slug));
  }

  it('is what it makes: slugifying twice changes nothing, whatever goes in', () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      // Every code point below U+3000 comes by, surrogates do not exist there.
      const name = Array.from({ length: 8 }, (_, n) =>
        String.fromCodePoint((seed * 7919 + n * 104_729) % 0x3000),
      ).join('');
      const slug = slugify(name);
      expect(slugify(slug), JSON.stringify(name)).to.equal(slug);
      expect(slug).to.match(/^[\p{L}\p{N}][\p{L}\p{N}\p{M}-]*$/u);
    }
  });

  it('keeps to 80 code points, the number included', () => {
    const long = slugify('😀é'.repeat(5) + 'word '.repeat(40));
    expect([...long].length).to.be.at.most(80);
    expect([...numberedSlug('x'.repeat(80), 12)].length).to.equal(80);
    expect(numberedSlug('rose', 1)).to.equal('rose');
    expect(numberedSlug('rose', 2)).to.equal('rose-2');
  });
});
