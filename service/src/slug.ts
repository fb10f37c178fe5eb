const MAX_LENGTH = 80;

/**
 * A name as it appears in a URL, in its own script: "Café Müller" -> "café-müller", "سالن رز" -> "سالن-رز".
 * NFKC, lower case, letters, digits and marks of any script kept, everything else one dash; at most 80
 * code points. A name without any letter or digit becomes "salon".
 */
export function slugify(name: string): string {
  const dashed = name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['\u2019]/gu, '')
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, '-');
  // A mark has no letter to sit on after a dash or at the start.
  const clean = dashed.replace(/(^|-)\p{M}+/gu, '$1').replace(/-{2,}/g, '-');
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
