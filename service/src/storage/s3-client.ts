import { type GetObjectCommandOutput, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { NotStoredError, StorageAwayError } from './storage.ts';

/** A bucket and how to reach it. */
export interface S3Settings {
  /** Without it AWS's own for the region. */
  endpoint?: string | undefined;
  region: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** https://host/bucket/key instead of https://bucket.host/key. */
  pathStyle: boolean;
  /** Where the public reads objects of the bucket, when it may: a CDN or the bucket's own address. */
  publicUrl?: string | undefined;
}

/** How long the bucket may keep us waiting; tests shorten these. */
export interface S3Times {
  connectSeconds: number;
  /** Between two pieces, in either direction. */
  idleSeconds: number;
  /** For one operation with all its attempts and its whole content. */
  deadlineSeconds: number;
}

// An upload that meets a silent bucket tries to store twice and to remove twice: 32 s, the proxy waits for 60.
export const defaultTimes: S3Times = { connectSeconds: 3, idleSeconds: 8, deadlineSeconds: 60 };
export const ATTEMPTS = 2;

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** What the client is made of; on its own so that a test can look at it. */
export function clientConfig(settings: S3Settings, times: S3Times): S3ClientConfig {
  const { endpoint, region, accessKeyId, secretAccessKey, pathStyle } = settings;
  return {
    region,
    ...(endpoint ? { endpoint } : {}),
    forcePathStyle: pathStyle,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: ATTEMPTS,
    // It would write to the console; what matters is thrown.
    logger: silent,
    // The default adds CRC trailers, which providers other than AWS refuse or do not check. What is stored is checked
    // by its SHA-256 in the signature instead (s3.ts), which all of them must look at.
    // https://docs.aws.amazon.com/sdkref/latest/guide/feature-dataintegrity.html
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Some providers never answer 100 Continue, and then every upload would wait.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: times.connectSeconds * 1000,
      socketTimeout: times.idleSeconds * 1000,
      httpAgent: { maxSockets: 50 },
      httpsAgent: { maxSockets: 50 },
    },
  };
}

/** Opens no connection before the first operation. */
export function createClient(settings: S3Settings, times: S3Times): S3Client {
  return new S3Client(clientConfig(settings, times));
}

/**
 * What the rest of the service may know of a failure. The driver's own error names access keys and what was
 * signed, so it goes no further than here.
 * @throws {NotStoredError | StorageAwayError} always.
 */
export function explain(operation: string, error: unknown): never {
  const { name = 'error', message = '', $metadata } = error as Partial<S3Failure>;
  const status = $metadata?.httpStatusCode;
  if (name === 'NoSuchKey' || name === 'NotFound') throw new NotStoredError('no such object');
  const reason = status ? `${name}, status ${status}` : `${name}: ${message}`;
  throw new StorageAwayError(`the bucket does not ${operation}: ${reason}`);
}

interface S3Failure extends Error {
  $metadata?: GetObjectCommandOutput['$metadata'];
}
