import type { Knex } from 'knex';

/** The numbers on the panel's first page. */
export interface DashboardCounts {
  salons: { total: number; published: number };
  photos: { uploaded: number; ready: number; failed: number };
}

/** Counts what the directory holds; assets/components.bundle.js shows it. */
export async function dashboardCounts(db: Knex): Promise<DashboardCounts> {
  const { rows: salons } = await db.raw(
    'select count(*)::integer as total, (count(*) filter (where published))::integer as published from salons',
  );
  const { rows: states } = await db.raw(
    'select state, count(*)::integer as count from photos group by state',
  );
  const of = (state: string) => states.find((row: { state: string }) => row.state === state)?.count ?? 0;
  return {
    salons: salons[0],
    photos: { uploaded: of('uploaded'), ready: of('ready'), failed: of('failed') },
  };
}
