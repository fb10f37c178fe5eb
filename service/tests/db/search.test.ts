import { expect } from 'chai';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { createSalon, listSalons } from '../../src/db/salons.ts';
import { createDatabase } from '../backends/index.ts';

// The first of each is what a salon is called, the others are what people type for it.
const VARIANTS = [
  ...['یيىئ', 'کك\ufedb', 'هةہە', 'اأإآٱ', 'وؤ', 'م\ufee1', 'سﺳ', 'رﺭ', '1١۱１', '5٥۵'],
  ...['eéèÉE', 'oøöÖ', 'cçC', 'aAáＡ', 'zZž', 'k', '美', '容', '%', '_'],
].map((group) => [...group]);
const PARTS = [' ', '\u200c'];
const ADDED = ['\u0640', '\u064e', '\u0651', '\u200d', '\u00ad'];

/** A letter of a name and how somebody may type it. */
const letter = fc
  .constantFrom(...VARIANTS)
  .chain((group) => fc.record({ stored: fc.constantFrom(...group), typed: fc.constantFrom(...group) }));
const ornament = fc.option(fc.constantFrom(...ADDED), { nil: '' });

describe('search', () => {
  let db: Knex;
  before(async () => {
    ({ db } = await createDatabase());
  });
  after(() => db.destroy());

  const one = async (expression: string, ...values: string[]) =>
    (await db.raw(`select ${expression} as value`, values)).rows[0].value;
  const found = async (q: string, city?: string) =>
    (await listSalons(db, { q, city, hidden: true, limit: 100 })).map(({ name }) => name);

  for (const [text, normalized] of [
    ['علي‌رضا ﻛﺎﻇﻤﻲ', 'علیرضا کاظمی'],
    ['مُؤَسَّسَةُ أُمِّ إيمان ٱلآن', 'موسسه ام ایمان الان'],
    ['آرایشــگاه ۱۲۳ ٤٥٦', 'ارایشگاه 123 456'],
    ['  Café\tMÜLLER\u00a0& Søstre ', 'cafe muller & sostre'],
    ['STRASSE Straße œuvre ŁÓDŹ İstanbul', 'strasse strasse oeuvre lodz istanbul'],
    ['Ｆｕｌｌ ｗｉｄｔｈ ①', 'full width 1'],
    ['हेयर सैलून', 'हेयर सैलून'],
    ['ΟΔΟΣ οδός', 'οδοσ οδοσ'],
  ] as const) {
    it(`${JSON.stringify(text)} is compared as ${normalized}`, async () => {
      expect(await one('search_text(?)', text)).to.equal(normalized);
    });
  }

  it('what is normalized stays as it is: every code point, alone and after a letter', async () => {
    // Fails when lower() comes before the marks go: İ (tried).
    const { rows } = await db.raw(`
      with texts as (
        select prefix || chr(code) as text
        from generate_series(1, 131071) as code, unnest(array['', 'a', 'ب']) as prefix
        where code not between 55296 and 57343
      ), once as (select text, search_text(text) as normalized from texts)
      select text, normalized from once where search_text(normalized) <> normalized limit 5`);
    expect(rows).to.deep.equal([]);
  });

  it('finds a salon by any part of its name, whichever variant of a letter either side uses', async () => {
    const property = fc.asyncProperty(
      fc.array(
        fc.record({
          letter,
          before: fc.constantFrom('', '', '', ...PARTS),
          typedBefore: fc.constantFrom('', ...PARTS),
          ornament,
        }),
        { minLength: 1, maxLength: 12 },
      ),
      fc.nat(),
      fc.nat(),
      async (letters, from, length) => {
        const arabic = (text: string) => /[\u0620-\u064a\u0671-\u06d5\ufe70-\ufefc]/u.test(text);
        const name = letters
          .map(({ letter: { stored }, before }) => before + stored)
          .join('')
          .trim();
        fc.pre(!/^[\s\u200c]*$/u.test(name));
        const start = from % letters.length;
        const part = letters.slice(start, start + 1 + (length % (letters.length - start)));
        const q = part
          .map(({ letter: { typed }, before, typedBefore, ornament: added }, n) => {
            const previous = part[n - 1]?.letter.typed ?? '';
            // Spaces between letters of the Arabic script come and go; between others they are what they are.
            const between = n === 0 ? '' : arabic(previous) && arabic(typed) ? typedBefore : before;
            return between + typed + added;
          })
          .join('');
        // Signs alone are no word.
        fc.pre(/[\p{L}\p{N}]/u.test(q));
        const trx = await db.transaction();
        try {
          const { id } = await createSalon(trx, { name, city: 'Nowhere' });
          const hits = await listSalons(trx, { q, hidden: true, limit: 1 });
          expect(
            hits.map((hit) => hit.id),
            JSON.stringify({ name, q }),
          ).to.deep.equal([id]);
        } finally {
          await trx.rollback();
        }
      },
    );
    // Prints the seed of a failure. Fails without the joined form, the pairs, or any group of LETTERS (tried).
    await fc.assert(property, { numRuns: 400 });
  });

  it('finds words in any order in name, city and description, all of them', async () => {
    await createSalon(db, { name: 'آرایشگاه مي‌رز', city: 'شیراز', description: 'کوتاهی مو و رنگ\nبا نوبت' });
    for (const q of ['می رز', 'میرز', 'مي‌رز', 'رز شيراز', 'نوبت رنگ آرایشگاه', 'و', 'مو', 'كوتاهي'])
      expect(await found(q), q).to.deep.equal(['آرایشگاه مي‌رز']);
    for (const q of ['رز تهران', 'نوبتی', 'شیرین']) expect(await found(q), q).to.deep.equal([]);
  });

  it('looks for one or two letters in name and city, and in descriptions only as a word', async () => {
    await createSalon(db, { name: 'Ondine', city: 'Graz', description: 'Balayage by Jo' });
    for (const q of ['O', 'ndin', 'nd', 'az', 'jo', 'BY']) expect(await found(q), q).to.include('Ondine');
    for (const q of ['ya', 'j']) expect(await found(q), q).to.not.include('Ondine');
  });

  it('takes wildcards for what they are, also those that only normalizing makes', async () => {
    await createSalon(db, { name: 'Half_Price 50% \\o/', city: 'Oslo' });
    for (const q of ['half_price', '0%', '５０％', '50% \\o/', 'half _', 'o \\', '0 ％'])
      expect(await found(q, 'oslo'), q).to.deep.equal(['Half_Price 50% \\o/']);
    // Finds it when search_like does nothing, or signs alone are looked for (tried both).
    for (const q of ['h%price', 'half-price', 'hal__price', '5_%', '％％％', '%', '\\'])
      expect(await found(q, 'oslo'), q).to.deep.equal([]);
  });

  it('knows a city by any of its spellings', async () => {
    await createSalon(db, { name: 'موج', city: 'بندر عباس' });
    await createSalon(db, { name: 'Etoile', city: 'Orléans' });
    for (const city of ['بندر عباس', 'بندرعباس', 'بندر\u200cعباس'])
      expect(await found('موج', city), city).to.deep.equal(['موج']);
    for (const city of ['orleans', 'ORLÉANS', 'Orle\u0301ans'])
      expect(await found('etoile', city), city).to.deep.equal(['Etoile']);
    expect(await found('etoile', 'Orl')).to.deep.equal([]);
  });

  it('follows changes, however they are written', async () => {
    const { id } = await createSalon(db, { name: 'Chrysalis', city: 'Bern' });
    await db('salons').where({ id }).update({ name: 'Papillon' });
    expect(await found('chrysalis')).to.deep.equal([]);
    expect(await found('papillon')).to.deep.equal(['Papillon']);
    await db('salons').where({ id }).update({ description: 'once Chrysalis' });
    expect(await found('chrysalis')).to.deep.equal(['Papillon']);
  });
});
