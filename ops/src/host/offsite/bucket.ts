import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { Failure } from '../../report/failure.ts';

/** A bucket for backups and how to reach it. */
export interface BucketSettings {
  /** Without it AWS's own for the region. */
  endpoint?: string | undefined;
  region: string;
  bucket: string;
  /** Before every key, without a slash at its end; may be empty. */
  prefix: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** https://host/bucket/key instead of https://bucket.host/key. */
  pathStyle: boolean;
}

const CONNECT_SECONDS = 5;
const IDLE_SECONDS = 20;
const DEADLINE_SECONDS = 300;

/** Objects by their keys, without the prefix. Every operation throws Failure. */
export interface Bucket {
  put: (key: string, content: Uint8Array) => Promise<void>;
  get: (key: string) => Promise<Uint8Array>;
  list: (under?: string) => Promise<string[]>;
  remove: (key: string) => Promise<void>;
}

/** Opens no connection before the first operation. */
export async function openBucket(settings: BucketSettings): Promise<Bucket> {
  // Loaded when it is used: it takes longer than most verbs.
  const s3 = await import('@aws-sdk/client-s3');
  const { bucket, prefix } = settings;
  const client: S3Client = new s3.S3Client({
    region: settings.region,
    ...(settings.endpoint ? { endpoint: settings.endpoint } : {}),
    forcePathStyle: settings.pathStyle,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    maxAttempts: 2,
    // The default's CRC trailers are refused, or not looked at, by many providers; Content-MD5 is looked at by all.
    // https://docs.aws.amazon.com/sdkref/latest/guide/feature-dataintegrity.html
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_SECONDS * 1000, socketTimeout: IDLE_SECONDS * 1000 },
  });
  const at = (key: string) => ({ Bucket: bucket, Key: prefix ? `${prefix}/${key}` : key });
  const deadline = () => ({ abortSignal: AbortSignal.timeout(DEADLINE_SECONDS * 1000) });
  return {
    async put(key, content) {
      const md5 = createHash('md5').update(content).digest();
      const sent = await client
        .send(
          new s3.PutObjectCommand({ ...at(key), Body: content, ContentMD5: md5.toString('base64') }),
          deadline(),
        )
        .catch((error) => explain('take', key, error));
      // An MD5 in most buckets; with encryption of the provider's own it is something else.
      const tag = sent.ETag?.replaceAll('"', '') ?? '';
      const isMd5 = /^[0-9a-f]{32}$/.test(tag) && !sent.ServerSideEncryption && !sent.SSEKMSKeyId;
      if (isMd5 && tag !== md5.toString('hex'))
        throw new Failure(`the bucket stored something else as ${key}`);
    },
    async get(key) {
      const { Body } = await client
        .send(new s3.GetObjectCommand(at(key)), deadline())
        .catch((error) => explain('give', key, error));
      if (!Body) throw new Failure(`the bucket gives nothing for ${key}`);
      return Body.transformToByteArray().catch((error) => explain('give all of', key, error));
    },
    async list(under = '') {
      const keys: string[] = [];
      let next: string | undefined;
      do {
        const { Key } = at(under);
        const page = await client
          .send(
            new s3.ListObjectsV2Command({
              ...{ Bucket: bucket, Prefix: Key },
              ...(next ? { ContinuationToken: next } : {}),
            }),
            deadline(),
          )
          .catch((error) => explain('list', under || 'itself', error));
        for (const one of page.Contents ?? [])
          if (one.Key) keys.push(one.Key.slice(prefix ? prefix.length + 1 : 0));
        next = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (next);
      return keys;
    },
    async remove(key) {
      await client
        .send(new s3.DeleteObjectCommand(at(key)), deadline())
        .catch((error) => explain('delete', key, error));
    },
  };
}

interface S3Failure extends Error {
  $metadata?: { httpStatusCode?: number };
}

/** The bucket says no to this credential. */
export class NotAllowedError extends Failure {}

/** The driver's own error names access keys and what was signed: it goes no further than here. */
function explain(operation: string, key: string, error: unknown): never {
  const { name = 'error', message = '', $metadata } = error as Partial<S3Failure>;
  const status = $metadata?.httpStatusCode;
  const reason = status ? `${name}, status ${status}` : `${name}: ${message}`;
  const Kind = status === 403 ? NotAllowedError : Failure;
  throw new Kind(`the bucket does not ${operation} ${key}: ${reason}`);
}
