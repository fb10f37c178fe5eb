import { closeSync, openSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/validate.ts';
import { loadSettings } from '../host/env-file.ts';
import { tryLock } from '../host/lock.ts';
import { createEncrypter, generateKeys } from '../host/offsite/age.ts';
import { openBucket } from '../host/offsite/bucket.ts';
import { nameBackups } from '../host/offsite/inventory.ts';
import { rotateBucket } from '../host/offsite/rotate.ts';
import { bucketOf } from '../host/offsite/settings.ts';
import { type Shipper, shipBackups, shipWal } from '../host/offsite/ship.ts';
import { readShipped, readStatus, writeStatus } from '../host/offsite/state.ts';
import { paths } from '../host/paths.ts';
import { EXIT, type ExitCode } from '../report/failure.ts';
import { note, step } from '../report/steps.ts';

/** Less than the fifteen that may be lost, because sending takes its time. */
const INTERVAL_SECONDS = 10;
const ROTATE_HOURS = 24;

export interface OffsiteOptions {
  /** Goes on until settings or code change; cron starts it again. */
  watch?: boolean;
}

/**
 * Sends to the bucket what it does not have: WAL, base backups, dumps, photos, settings, all of it encrypted.
 * @throws Failure when the bucket does not take it
 */
export async function offsite({ watch }: OffsiteOptions): Promise<ExitCode> {
  const settings = await loadSettings();
  if (!bucketOf(settings)) {
    note('BACKUP_S3_BUCKET is not set in .env: backups stay on this server');
    return EXIT.done;
  }
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const descriptor = openSync(paths.offsiteLock, 'a', 0o600);
  try {
    if (!(await tryLock(descriptor, watch ? 0 : 60))) {
      if (!watch) note('it is being sent by another one');
      return EXIT.done;
    }
    const shipper = await createShipper(settings);
    if (watch) await keepShipping(shipper, Number(settings.BACKUP_S3_KEEP_DAYS));
    else await shipOnce(shipper, Number(settings.BACKUP_S3_KEEP_DAYS));
    return EXIT.done;
  } finally {
    closeSync(descriptor);
  }
}

async function createShipper(settings: Settings): Promise<Shipper> {
  const bucket = bucketOf(settings);
  if (!bucket) throw new Error('no bucket');
  return {
    bucket: await openBucket(bucket),
    encrypt: await createEncrypter(settings.BACKUP_AGE_RECIPIENTS ?? ''),
    shipped: await readShipped(),
    limit: Number(settings.BACKUP_S3_LIMIT_MBIT) * 1e6,
    shippedUntil: (await readStatus())?.shippedUntil ?? null,
  };
}

async function shipOnce(shipper: Shipper, keepDays: number): Promise<void> {
  const count = (files: number) => `${files} files sent`;
  await step('WAL and settings', async () => count(await shipWal(shipper)));
  await step('base backups, dumps, photos', async () => count(await shipBackups(shipper, INTERVAL_SECONDS)));
  await step('what is older than it is kept there', async () =>
    describeRotation(await rotateBucket(shipper.bucket, new Date(), keepDays)),
  );
  note(`everything that was committed until ${shipper.shippedUntil ?? 'now'} is in the bucket`);
}

const describeRotation = (deleted: number | null) =>
  deleted === null ? "left to the bucket's lifecycle: this credential may not" : `${deleted} objects deleted`;

/** Failures are written into the status, where make health finds them, and tried again. */
async function keepShipping(shipper: Shipper, keepDays: number): Promise<void> {
  const begun = await fingerprint();
  let rotated = 0;
  let sent = '';
  while ((await fingerprint()) === begun) {
    const started = Date.now();
    try {
      await shipWal(shipper);
      const names = await nameBackups();
      if (names !== sent) await shipBackups(shipper, INTERVAL_SECONDS);
      sent = names;
      if (started - rotated > ROTATE_HOURS * 3_600_000) {
        rotated = started;
        await rotateBucket(shipper.bucket, new Date(), keepDays);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      note(`${new Date().toISOString()} ${why}`);
      await writeStatus({ at: new Date().toISOString(), shippedUntil: shipper.shippedUntil, error: why });
    }
    await delay(Math.max(0, INTERVAL_SECONDS * 1000 - (Date.now() - started)));
  }
}

/** What this process was started from: when it changes, a new one has to take over. */
async function fingerprint(): Promise<string> {
  const times = await Promise.all(
    [paths.env, process.argv[1] ?? ''].map((file) =>
      stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return times.join(' ');
}

/** A new pair of keys: the private one for whoever restores, far from this server; the public one for .env. */
export async function offsiteKey(): Promise<ExitCode> {
  const { identity, recipient } = await generateKeys();
  note(`BACKUP_AGE_RECIPIENTS=${recipient} goes into .env on the server; what follows must never be there:`);
  process.stdout.write(`# public key: ${recipient}\n${identity}\n`);
  return EXIT.done;
}
