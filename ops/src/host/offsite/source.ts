import { EXIT, Failure } from '../../report/failure.ts';
import type { BucketSettings } from './bucket.ts';

/**
 * The bucket that another machine than the server reads: its name from FROM=, all else from the environment, because there is no .env
 * yet. @param from s3://bucket/prefix  @throws Failure (exit 2)
 */
export function readSource(from: string, env: Readonly<Record<string, string | undefined>>): BucketSettings {
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w./-]*))?$/.exec(from) ?? [];
  const fail = (what: string) =>
    new Failure(what, {
      state: 'nothing was changed',
      next: 'the same with FROM=s3://bucket/prefix KEY=key.txt, and BACKUP_S3_ACCESS_KEY_ID, BACKUP_S3_SECRET_ACCESS_KEY and, but for AWS, BACKUP_S3_ENDPOINT exported',
      exitCode: EXIT.usage,
    });
  if (!bucket) throw fail(`FROM=${from} is no bucket`);
  const accessKeyId = env.BACKUP_S3_ACCESS_KEY_ID || env.AWS_ACCESS_KEY_ID;
  const secretAccessKey = env.BACKUP_S3_SECRET_ACCESS_KEY || env.AWS_SECRET_ACCESS_KEY;
  if (!accessKeyId || !secretAccessKey) throw fail('the environment has no credential for the bucket');
  return {
    ...{ bucket, prefix: prefix.replace(/\/+$/, ''), accessKeyId, secretAccessKey },
    endpoint: env.BACKUP_S3_ENDPOINT || undefined,
    region: env.BACKUP_S3_REGION || env.AWS_REGION || 'us-east-1',
    pathStyle: env.BACKUP_S3_PATH_STYLE === 'true',
  };
}
