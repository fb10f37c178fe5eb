const MAX_LENGTH = 80;

// Letters that Persian and Arabic keyboards write differently and readers see as one, and the two sets of digits.
const ALIKE: Record<string, string> = {
  '\u064a': '\u06cc', // yeh
  '\u0649': '\u06cc', // alef maksura
  '\u0643': '\u06a9', // kaf
};
const VOWEL_SIGNS_AND_TATWEEL = /[\u0640\u064b-\u0652\u0670]/gu;
const ARABIC_DIGITS = /[\u0660-\u0669\u06f0-\u06f9]/gu;

/**
 * A name as it appears in a URL, in its own script: "Café Müller" -> "café-müller", "سالن رز" -> "سالن-رز".
 * NFKC, lower case, letters, digits and marks of any script kept, everything else one dash; at most 80
 * code points. A name without any letter or digit becomes "salon".
 *
 * Spellings of a Persian name that look the same make the same slug: ي and ى are ی, ك is ک, ۱ and ١ are 1, tatweel
 * and vowel signs go. What a reader tells apart, such as آ and ا or ة and ه, stays; search is more generous.
 */
export function slugify(name: string): string {
  const dashed = name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['\u2019]/gu, '')
    .replace(VOWEL_SIGNS_AND_TATWEEL, '')
    .replace(/[\u064a\u0649\u0643]/gu, (letter) => ALIKE[letter] ?? letter)
    .replace(ARABIC_DIGITS, (digit) => String((digit.codePointAt(0) ?? 0) & 0xf))
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, '-');
  // A mark has no letter to sit on after a dash or at the start.
  const bare = dashed.replace(/(^|-)\p{M}+/gu, '$1').replace(/-{2,}/g, '-');
  // Again: what went may have stood between two marks that have an order.
  const clean = bare.normalize('NFKC');
  return [...clean.replace(/^-/, '')].slice(0, MAX_LENGTH).join('').replace(/-$/, '') || 'salon';
}

/** The slug for the nth salon of that name: the slug itself first, then with -2, -3 and so on. */
export function numberedSlug(slug: string, n: number): string {
  if (n === 1) return slug;
  const suffix = `-${n}`;
  return `${[...slug]
    .slice(0, MAX_LENGTH - suffix.length)
    .join('')
    .replace(/-$/, '')}${suffix}`;
}
