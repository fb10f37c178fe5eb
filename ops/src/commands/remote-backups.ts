import { chmod, chown, readdir } from 'node:fs/promises';
import path from 'node:path';
import { createDecrypter } from '../host/offsite/age.ts';
import { openBucket } from '../host/offsite/bucket.ts';
import { fetchContent, fetchFiles, joinPieces, type RemoteFile } from '../host/offsite/fetch.ts';
import { readSource } from '../host/offsite/source.ts';
import { BASE_STORE, WAL_STORE } from '../plan/bases.ts';
import { chooseFiles, type RecoveryFiles } from '../plan/recover.ts';
import { refuse } from '../report/failure.ts';
import { step } from '../report/steps.ts';

const POSTGRES_UID = 999;

/** What a bucket has, as it is read with the private key. */
export interface RemoteBackups {
  /** What leads to a moment (ISO 8601, UTC), or to the last commit. @throws Failure (exit 2) when nothing does */
  look(moment: string | null): Promise<RecoveryFiles>;
  /** The text of the server's .env. @throws Failure (exit 2) */
  settings(): Promise<string>;
  /** @param places as look() says, or some of them  @param backups directory of all backups  @returns how many files */
  fetch(
    places: ReadonlyMap<string, string>,
    backups: string,
    progress: (text: string) => void,
  ): Promise<string>;
}

/**
 * @param from s3://bucket/prefix; the credential is in the environment  @param key file with the private key
 * @throws Failure (exit 2) when either is of no use
 */
export async function openRemote(from: string, key: string): Promise<RemoteBackups> {
  const decrypt = await createDecrypter(key);
  const bucket = await openBucket(readSource(from, process.env));
  let files: RemoteFile[] = [];
  return {
    async look(moment) {
      files = await step('what the bucket has', async () => joinPieces(await bucket.list()));
      const wanted = chooseFiles(
        files.map((file) => file.key),
        moment,
      );
      if (typeof wanted !== 'string') return wanted;
      throw refuse(wanted, 'FROM=s3://<the bucket and prefix of BACKUP_S3_* in the old .env>');
    },
    async settings() {
      const file = files.find((one) => one.key === 'site/env');
      if (!file) throw refuse('the bucket has no settings (site/env.age)', 'check FROM=');
      return (await fetchContent(bucket, decrypt, file)).toString();
    },
    async fetch(places, backups, progress) {
      const wanted = files.filter((file) => places.has(file.key));
      const place = (name: string) => {
        const below = places.get(name);
        return below ? path.join(backups, below) : null;
      };
      await fetchFiles(bucket, decrypt, wanted, place, progress);
      for (const store of [BASE_STORE, WAL_STORE]) await giveToPostgres(path.join(backups, store));
      return `${wanted.length} files`;
    },
  };
}

/** Containers of postgres read it, and the receiver goes on in it. */
async function giveToPostgres(store: string): Promise<void> {
  const entries = await readdir(store, { withFileTypes: true, recursive: true });
  const below = entries.map((entry) => ({
    file: path.join(entry.parentPath, entry.name),
    mode: entry.isDirectory() ? 0o700 : 0o600,
  }));
  for (const { file, mode } of [{ file: store, mode: 0o700 }, ...below]) {
    if (process.getuid?.() === 0) await chown(file, POSTGRES_UID, POSTGRES_UID);
    await chmod(file, mode);
  }
}
