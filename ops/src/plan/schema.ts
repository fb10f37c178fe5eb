/** One migration, as an image or a database names it. */
export interface Migration {
  name: string;
  /** The release before cannot live with it: the contract half of expand and contract. */
  breaking: boolean;
}

/** What an image knows against what a database has. */
export interface SchemaPlan {
  /** Known to the image, not applied yet, oldest first. */
  pending: Migration[];
  /** Applied, and unknown to the image, oldest first: the image is older than the schema. */
  ahead: Migration[];
}

/** What the operator wants done with migrations that the target does not know. */
export type SchemaChoice = 'keep' | 'down' | 'restore';

const byName = (a: Migration, b: Migration) => (a.name < b.name ? -1 : 1);

/** The difference of both lists. */
export function compareSchema(image: readonly Migration[], database: readonly Migration[]): SchemaPlan {
  const known = new Set(image.map((one) => one.name));
  const applied = new Set(database.map((one) => one.name));
  return {
    pending: image.filter((one) => !applied.has(one.name)).sort(byName),
    ahead: database.filter((one) => !known.has(one.name)).sort(byName),
  };
}

/** Migrations in the way of going to the image: applied, unknown to it and marked. */
export function findBlocking({ ahead }: SchemaPlan): Migration[] {
  return ahead.filter((one) => one.breaking);
}

/** `migrate down --to` this name undoes everything; the image's own word for it. */
export const NOTHING = 'none';

/**
 * Where `migrate down --to` must go so that nothing is left that the image does not know, and what that
 * undoes, newest first. What the image does know among it is applied again by its own `migrate up`.
 */
export function planDown(
  image: readonly Migration[],
  database: readonly Migration[],
): { to: string; undone: string[] } | null {
  const [oldest] = compareSchema(image, database).ahead;
  if (!oldest) return null;
  const names = database.map((one) => one.name).sort();
  const to = names.filter((name) => name < oldest.name).at(-1) ?? NOTHING;
  return { to, undone: names.filter((name) => name >= oldest.name).reverse() };
}

/** Names for a sentence; marked ones say so. */
export function formatMigrations(migrations: readonly Migration[]): string {
  return migrations.map(({ name, breaking }) => (breaking ? `${name} (marked breaking)` : name)).join(', ');
}
