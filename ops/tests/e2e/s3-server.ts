import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './create-stack.ts';
import { waitFor } from './wait-for.ts';

/** An S3 server on this machine that containers can reach. */
export interface S3Server {
  /** What .env needs to know, but MEDIA_STORAGE. */
  settings: Record<string, string>;
  /** Where it listens, and its only bucket. */
  endpoint: string;
  bucket: string;
  /** Keys of everything that is stored. */
  keys: () => string[];
  /** What each of them holds. */
  contents: () => Buffer[];
  /** The file that holds the last object whose key matches. */
  fileOf: (key: RegExp) => string;
  remove: () => Promise<void>;
}

const BUCKET = 'atlas-media';
const OBJECT = '._S3rver_object';

// In a process of its own: it has no command line. It signs the address of a listing otherwise than everybody else.
const PROGRAM = `
import S3rver from '@20minutes/s3rver';
const [directory, port, bucket] = process.argv.slice(1);
const configureBuckets = [{ name: bucket, configs: [] }];
await new S3rver({ address: '0.0.0.0', port: Number(port), silent: true, directory, configureBuckets, allowMismatchedSignatures: true }).run();
`;

const listObjects = (directory: string) =>
  readdirSync(path.join(directory, BUCKET), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(OBJECT));

type Bucket = Pick<S3Server, 'endpoint' | 'bucket'>;

const CREDENTIAL = { BACKUP_S3_ACCESS_KEY_ID: 'S3RVER', BACKUP_S3_SECRET_ACCESS_KEY: 'S3RVER' };

/** What .env needs to send backups to a bucket. @param key what `make offsite-key` said */
export const backupSettings = ({ endpoint, bucket }: Bucket, prefix: string, key: string) => ({
  ...{ BACKUP_S3_ENDPOINT: endpoint, BACKUP_S3_REGION: 'eu-central-1', BACKUP_S3_BUCKET: bucket },
  ...{ BACKUP_S3_PREFIX: prefix, BACKUP_S3_PATH_STYLE: 'true', ...CREDENTIAL },
  BACKUP_AGE_RECIPIENTS: /public key: (age1\w+)/.exec(key)?.[1] ?? '',
});

/** What a machine without an .env is told to read a bucket with, for env(1). */
export const bucketEnvironment = ({ endpoint }: Pick<Bucket, 'endpoint'>) =>
  Object.entries({ BACKUP_S3_ENDPOINT: endpoint, BACKUP_S3_PATH_STYLE: 'true', ...CREDENTIAL }).map(
    ([name, value]) => `${name}=${value}`,
  );

function findObject(directory: string, key: RegExp): string {
  const name = listObjects(directory)
    .sort()
    .findLast((one) => key.test(one.slice(0, -OBJECT.length)));
  if (!name) throw new Error(`nothing in the bucket is ${key}`);
  return path.join(directory, BUCKET, name);
}

/** @param host this machine's address, as containers know it */
export async function startS3(host: string): Promise<S3Server> {
  const directory = mkdtempSync(path.join(tmpdir(), 'atlas-s3-'));
  const port = await freePort();
  const args = ['--input-type=module', '--eval', PROGRAM, directory, String(port), BUCKET];
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd: path.resolve(import.meta.dirname, '../../..'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const answers = () => fetch(`http://127.0.0.1:${port}/`).then(Boolean, () => false);
  await waitFor('the S3 server', answers, Boolean);
  return {
    ...{ endpoint: `http://${host}:${port}`, bucket: BUCKET },
    settings: {
      ...{ MEDIA_S3_ENDPOINT: `http://${host}:${port}`, MEDIA_S3_REGION: 'eu-central-1' },
      ...{ MEDIA_S3_BUCKET: BUCKET, MEDIA_S3_PATH_STYLE: 'true' },
      ...{ MEDIA_S3_ACCESS_KEY_ID: 'S3RVER', MEDIA_S3_SECRET_ACCESS_KEY: 'S3RVER' },
    },
    keys: () => listObjects(directory).map((name) => name.slice(0, -OBJECT.length)),
    contents: () => listObjects(directory).map((name) => readFileSync(path.join(directory, BUCKET, name))),
    fileOf: (key) => findObject(directory, key),
    remove: async () => {
      child.kill();
      await once(child, 'exit');
      rmSync(directory, { recursive: true });
    },
  };
}
