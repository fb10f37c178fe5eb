import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { POINTS_FILE, type RestorePoint } from '../plan/bases.ts';
import { CURRENT_TIMELINE, isoTime, psql } from './postgres.ts';

/** Bytes of a name in the WAL: MAXFNAMELEN less what makes it unique. */
const NAME_LENGTH = 40;

/**
 * Puts a named position into the WAL and into the list of them.
 * @param container of a postgres that runs  @param name letters, digits, dots and dashes, as image tags have
 * @throws Failure
 */
export async function createRestorePoint(
  container: string,
  name: string,
  backups: string,
): Promise<RestorePoint> {
  // Recovery stops at the first point of its name, and a tag is deployed more than once.
  const label = `${name.slice(0, NAME_LENGTH)} ${new Date().toISOString().slice(0, 19)}Z`;
  const script = `
\\set label '${label}'
select json_build_object('lsn', pg_create_restore_point(:'label'), 'system', system_identifier::text,
  'timeline', ${CURRENT_TIMELINE},
  'time', ${isoTime('clock_timestamp()')})
from pg_control_system();`;
  const made = JSON.parse(await psql(container, 'postgres', script)) as Omit<RestorePoint, 'name' | 'label'>;
  const point = { name, label, ...made };
  await append(path.join(backups, POINTS_FILE), `${JSON.stringify(point)}\n`);
  return point;
}

async function append(file: string, line: string): Promise<void> {
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.appendFile(line);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Every restore point, oldest first; a line that a crash cut off is none. */
export async function readRestorePoints(backups: string): Promise<RestorePoint[]> {
  const text = await readFile(path.join(backups, POINTS_FILE), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return line ? [JSON.parse(line) as RestorePoint] : [];
    } catch {
      return [];
    }
  });
}
