import type { Manifest } from './backups.ts';

/** Why some tables alone cannot come from a backup. */
export class TableChoiceError extends Error {}

/**
 * The names of tables as manifests have them, from what an operator types: salons,photos or audit.log.
 * @param backup where they come from  @param present what the database holds now: its migrations, and its tables
 * @throws TableChoiceError when the backup has no such table, or when both schemas differ
 */
export function chooseTables(
  text: string,
  backup: Pick<Manifest, 'id' | 'tables' | 'migrations'>,
  present: Pick<Manifest, 'migrations'>,
): string[] {
  const known = backup.tables.map(({ name }) => name);
  const wanted = text.split(',').map((word) => word.trim());
  const found = wanted.map((word) => known.find((name) => name === word || name === `public.${word}`));
  const unknown = wanted.filter((_, index) => !found[index]);
  if (unknown.length > 0)
    throw new TableChoiceError(
      `${backup.id} has no table ${unknown.join(', ')}; it has ${known.map(withoutPublic).join(', ')}`,
    );
  const [then, now] = [backup.migrations, present.migrations].map((names) => [...names].sort().join(', '));
  // Everything but the rows of the other tables comes from the backup: it must be what is there now.
  if (then !== now)
    throw new TableChoiceError(
      `the schema is another one than in ${backup.id}: only all of it can be restored`,
    );
  return [...new Set(found as string[])];
}

const withoutPublic = (name: string) => name.replace(/^public\./, '');

/**
 * Which lines of a dump's table of contents hold rows.
 * @param lines of `pg_restore --list`  @param tables all tables of the dump, as manifests name them
 * @returns for each line of rows its table, and the lines that set sequences
 */
export function findRows(
  lines: readonly string[],
  tables: readonly string[],
): { rows: { table: string; line: string }[]; sequences: string[]; others: string[] } {
  const rows: { table: string; line: string }[] = [];
  const [sequences, others]: [string[], string[]] = [[], []];
  // The longest first: names may hold spaces, and no quotes here.
  const byTag = tables
    .map((name) => ({ name, tag: `TABLE DATA ${unquote(name)} ` }))
    .sort((a, b) => b.tag.length - a.tag.length);
  for (const line of lines) {
    const entry = line.replace(/^\d+; \d+ \d+ /, '');
    const table = byTag.find(({ tag }) => entry.startsWith(tag));
    if (table) rows.push({ table: table.name, line });
    else if (entry.startsWith('SEQUENCE SET ')) sequences.push(line);
    else if (/^(BLOBS?|BLOB METADATA|MATERIALIZED VIEW DATA) /.test(entry)) others.push(line);
  }
  return { rows, sequences, others };
}

/** public."Log Entries" as the table of contents has it: public Log Entries. */
function unquote(name: string): string {
  const words = [...name.matchAll(/"((?:[^"]|"")*)"|([^."]+)/g)];
  return words.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain).join(' ');
}
