import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import S3rver from '@20minutes/s3rver';
import { digestFile } from '../../src/storage/digest.ts';
import type { S3Settings } from '../../src/storage/s3-client.ts';

/** An S3 server of the test's own, with one bucket, which can go away and come back with what it had. */
export interface S3Server {
  port: number;
  settings: S3Settings;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it for good and removes what it holds. */
  remove(): Promise<void>;
  /** The file behind an object, for tests that damage one or make it old. */
  path(objectKey: string): string;
  /** What the next object's content becomes on its way to the disk, unknown to who sent it. */
  damageNext(change: (content: Buffer) => Buffer): void;
  /** Headers of an object as the public would get them. */
  headers(objectKey: string): Promise<Headers>;
}

const BUCKET = 'atlas-media';

/** The settings as a role finds them in its environment. */
export function bucketVariables(settings: S3Settings): Record<string, string> {
  return {
    MEDIA_S3_ENDPOINT: settings.endpoint ?? '',
    MEDIA_S3_REGION: settings.region,
    MEDIA_S3_BUCKET: settings.bucket,
    MEDIA_S3_ACCESS_KEY_ID: settings.accessKeyId,
    MEDIA_S3_SECRET_ACCESS_KEY: settings.secretAccessKey,
    MEDIA_S3_PATH_STYLE: String(settings.pathStyle),
  };
}

/** Starts one on a free port. Signatures are checked; so is, unlike in the server itself, the signed content. */
export async function startS3(): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 'atlas-s3-'));
  const path = (key: string) => join(directory, BUCKET, `${key}._S3rver_object`);
  let running: S3rver | undefined;
  let port = 0;
  let damage: ((content: Buffer) => Buffer) | undefined;

  async function start(): Promise<void> {
    const server = new S3rver({
      ...{ address: '127.0.0.1', port, silent: true, directory },
      configureBuckets: [{ name: BUCKET, configs: [] }],
    });
    // It forgets the slash behind a bucket's name when it computes what was signed: of listings the key alone counts.
    server.middleware.unshift((ctx, next) => {
      const lenient = { allowMismatchedSignatures: { value: true } };
      if (/^\/[^/]+\/\?/.test(ctx.url)) ctx.app = Object.create(server, lenient);
      return next();
    });
    const putObject = server.store.putObject.bind(server.store);
    // As S3 does: an object whose content is not what was signed, or breaks off, never appears.
    server.store.putObject = async (object) => {
      const { headers } = object.content;
      const temporary = { ...object, key: `.part/${crypto.randomUUID()}` };
      const part = path(temporary.key);
      try {
        await putObject(temporary);
        const { sha256 } = await digestFile(part);
        const signed = headers?.['x-amz-content-sha256'];
        if (signed !== 'UNSIGNED-PAYLOAD' && signed !== sha256)
          throw new Error('not the content that was signed');
        const change = damage;
        damage = undefined;
        const content = change ? Readable.from([change(await readFile(part))]) : createReadStream(part);
        return await putObject({ ...object, content });
      } finally {
        await rm(part, { force: true });
      }
    };
    ({ port } = await server.run());
    running = server;
  }

  async function stop(): Promise<void> {
    running?.httpServer.closeAllConnections();
    await running?.close();
    running = undefined;
  }

  await start();
  return {
    get port() {
      return port;
    },
    settings: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-central-1',
      bucket: BUCKET,
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      pathStyle: true,
    },
    ...{ start, stop, path },
    async remove() {
      await stop();
      rmSync(directory, { recursive: true });
    },
    damageNext(change) {
      damage = change;
    },
    headers: async (key) => (await fetch(`http://127.0.0.1:${port}/${BUCKET}/${key}`)).headers,
  };
}
