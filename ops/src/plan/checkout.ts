/** Where a checkout is. */
export interface Position {
  commit: string;
  /** The full name of the branch that HEAD follows; null when it follows none. */
  branch: string | null;
}

/** A file that two commits have differently; a hash is null where the commit does not have it. */
export interface Change {
  path: string;
  before: string | null;
  after: string | null;
}

/** Reads `git diff-tree -r -z --no-renames --raw A B`: https://git-scm.com/docs/git-diff-tree#_raw_output_format */
export function parseChanges(raw: string): Change[] {
  const fields = raw.split('\0');
  const changes: Change[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, , before = '', after = ''] = (fields[at] ?? '').split(' ');
    const hash = (text: string) => (/^0+$/.test(text) ? null : text);
    changes.push({ path: fields[at + 1] ?? '', before: hash(before), after: hash(after) });
  }
  return changes;
}

/**
 * The files that somebody has edited here and that the move would change: neither as they were nor as they will be.
 * Edits of other files do not matter, they stay.
 * @param present what is on the disk, by path; null for nothing
 */
export function findEdited(
  changes: readonly Change[],
  present: ReadonlyMap<string, string | null>,
): string[] {
  return changes
    .filter(({ path, before, after }) => ![before, after].includes(present.get(path) ?? null))
    .map(({ path }) => path);
}

/** What a move does to the files that matter while the site runs, in words. */
export function describeChanges(changes: readonly Change[]): string {
  const matter = changes.map(({ path }) => path).filter((path) => /^(compose|nginx)\//.test(path));
  if (changes.length === 0) return 'no file differs';
  if (matter.length === 0) return `${changes.length} files, none of compose/ or nginx/`;
  const shown = matter.slice(0, 5).join(', ');
  return `${changes.length} files, of them ${shown}${matter.length > 5 ? ` and ${matter.length - 5} more of compose/ and nginx/` : ''}`;
}
