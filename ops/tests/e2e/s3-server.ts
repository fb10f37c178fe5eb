import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  /** Damages the last object whose key matches, or takes it away. @returns what puts it back */
  flipBit: (key: RegExp) => () => void;
  hide: (key: RegExp) => () => void;
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
    flipBit: (key) => {
      const file = findObject(directory, key);
      const content = readFileSync(file);
      const damaged = Buffer.from(content);
      const middle = damaged.length >> 1;
      damaged[middle] = (damaged[middle] ?? 0) ^ 1;
      writeFileSync(file, damaged);
      return () => writeFileSync(file, content);
    },
    hide: (key) => {
      const file = findObject(directory, key);
      const content = readFileSync(file);
      rmSync(file);
      return () => writeFileSync(file, content);
    },
    remove: async () => {
      child.kill();
      await once(child, 'exit');
      rmSync(directory, { recursive: true });
    },
  };
}
