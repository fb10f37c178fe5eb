import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type _Object,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { type Digest, digestFile } from './digest.ts';
import { type Area, contentTypeOf, isKey } from './keys.ts';
import { ATTEMPTS, createClient, defaultTimes, explain, type S3Settings } from './s3-client.ts';
import { type ListedFile, NotStoredError, type Storage } from './storage.ts';
import { temporaryDirectories } from './temporary.ts';

const cacheControl: Record<Area, string> = {
  originals: 'private, no-store',
  // A key never means other bytes.
  variants: 'public, max-age=31536000, immutable',
};

/** A storage in a bucket, which can also tell what it holds without sending it. */
export interface S3Storage extends Storage {
  /** Size and SHA-256 as noted when the object was stored; undefined when it is not there. */
  describe(area: Area, key: string): Promise<Partial<Digest> | undefined>;
}

/**
 * Media in an S3-compatible bucket, as <area>/<key>. An object appears whole or not at all: one PUT with its length
 * and its SHA-256. Multipart uploads would leave parts behind that no listing shows.
 * @param root a local directory for temporary files.
 */
export function s3Storage(settings: S3Settings, root: string, times = defaultTimes): S3Storage {
  const client = createClient(settings, times);
  const temporary = temporaryDirectories(root);
  const at = (area: Area, key: string) => {
    if (!isKey(key)) throw new NotStoredError('malformed key');
    return { Bucket: settings.bucket, Key: `${area}/${key}` };
  };
  const deadline = () => ({ abortSignal: AbortSignal.timeout(times.deadlineSeconds * 1000) });

  async function open(area: Area, key: string) {
    const command = new GetObjectCommand(at(area, key));
    const { Body, ContentLength = 0 } = await client
      .send(command, deadline())
      .catch((error) => explain('read', error));
    return { bytes: ContentLength, stream: Body as Readable };
  }

  return {
    ...temporary,
    open,

    async store(area, key, temporaryPath) {
      const object = at(area, key);
      const { bytes, sha256 } = await digestFile(temporaryPath);
      const headers = {
        ContentLength: bytes,
        ContentType: contentTypeOf(key),
        CacheControl: cacheControl[area],
        Metadata: { sha256 },
      };
      const signal = deadline();
      await withAttempts(() => {
        const body = createReadStream(temporaryPath);
        const command = new PutObjectCommand({ ...object, ...headers, Body: body });
        signContent(command, sha256);
        return client.send(command, signal).finally(() => body.destroy());
      }).catch((error) => explain('store', error));
    },

    withLocalFile: (area, key, work) =>
      temporary.withTemporaryDirectory(async (directory) => {
        const { stream } = await open(area, key);
        const path = join(directory, 'content');
        await pipeline(stream, createWriteStream(path)).catch((error) => explain('send it all', error));
        return work(path);
      }),

    async remove(area, key) {
      await client
        .send(new DeleteObjectCommand(at(area, key)), deadline())
        .catch((error) => explain('remove', error));
    },

    async *list(area, directory) {
      let ContinuationToken: string | undefined;
      do {
        const page = { Bucket: settings.bucket, Prefix: `${area}/${directory}/`, ContinuationToken };
        const answer = await client
          .send(new ListObjectsV2Command(page), deadline())
          .catch((error) => explain('list', error));
        yield (answer.Contents ?? []).flatMap((object) => listed(area, object));
        ContinuationToken = answer.NextContinuationToken;
      } while (ContinuationToken);
    },

    publicUrl: (key) => settings.publicUrl && `${settings.publicUrl.replace(/\/+$/, '')}/variants/${key}`,

    async describe(area, key) {
      try {
        const command = new HeadObjectCommand(at(area, key));
        const answer = await client.send(command, deadline()).catch((error) => explain('describe', error));
        return { bytes: answer.ContentLength ?? 0, sha256: answer.Metadata?.sha256 ?? '' };
      } catch (error) {
        if (error instanceof NotStoredError) return undefined;
        throw error;
      }
    },
  };
}

/** The driver does not repeat a request whose body is a stream: each attempt opens the file anew. */
async function withAttempts<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS - 1; left > 0; left--) {
    try {
      return await attempt();
    } catch (error) {
      const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
      // A refusal stays one; what has no status or is the server's fault may pass.
      if (($metadata?.httpStatusCode ?? 500) < 500) throw error;
    }
  }
  return attempt();
}

/**
 * Puts the content's SHA-256 into what is signed, instead of UNSIGNED-PAYLOAD: the bucket then refuses any other
 * content. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
function signContent(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: object }).headers, { 'x-amz-content-sha256': sha256 });
      return next(args);
    },
    { step: 'build', name: 'signContent' },
  );
}

function listed(area: Area, object: _Object): ListedFile[] {
  const key = object.Key?.slice(area.length + 1) ?? '';
  if (!isKey(key) || !object.LastModified) return [];
  return [{ key, bytes: object.Size ?? 0, modifiedAt: object.LastModified }];
}
