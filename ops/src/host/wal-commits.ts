import path from 'node:path';
import { WAL_STORE } from '../plan/bases.ts';
import type { WalFile } from '../plan/wal.ts';
import { attempt } from './exec.ts';
import { ISOLATED } from './isolated.ts';
import { paths } from './paths.ts';
import { walFileName } from './wal-archive.ts';

const SCRIPT = `
set -eu
file="/tmp/$2"
case $1 in
  *.zst) zstd -dcq "/wal/$1" >"$file" ;;
  *) cp "/wal/$1" "$file" ;;
esac
pg_waldump --rmgr=Transaction "$file" 2>/dev/null | sed -nE 's/.* desc: COMMIT ([0-9-]+ [0-9:.]+) ([A-Z]+).*/\\1 \\2/p' | tail -n 1`;

/**
 * The moment of the last commit in a file of the WAL.
 * @param image of postgres, for pg_waldump  @returns ISO 8601, UTC; null when there is none or it cannot be read
 */
export async function findCommitTime(image: string, file: WalFile): Promise<string | null> {
  const { stdout } = await attempt('docker', [
    ...['run', '--rm', ...ISOLATED, '--tmpfs', '/tmp:mode=1777,size=64m', '--env', 'TZ=UTC'],
    ...['--volume', `${path.join(paths.backups, WAL_STORE)}:/wal:ro`, '--entrypoint', 'sh', image],
    ...['-c', SCRIPT, 'commits', `${file.epoch}/${walFileName(file)}`, file.segment],
  ]);
  const date = new Date(
    stdout
      .trim()
      .replace(' ', 'T')
      .replace(/ (UTC|GMT)$/, 'Z'),
  );
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
