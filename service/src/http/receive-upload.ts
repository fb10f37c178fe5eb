import { randomUUID } from 'node:crypto';
import type { File } from 'formidable';
import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import { invalid, Problem } from './problem.ts';

const MEGABYTE = 2 ** 20;
const FIELDS = { maxFields: 4, maxFieldsSize: 4_096 };

/** A multipart request with exactly one file in the field `photo`. */
export interface Upload {
  path: string;
  bytes: number;
  fields: Record<string, unknown>;
}

/**
 * Streams the request's file into `directory`; the caller removes that with whatever a failure leaves in it.
 * @throws {Problem} 413 over the limit, 415 for something else than multipart, 400 and 422 for a bad form.
 */
export async function receiveUpload(ctx: Context, directory: string, maxMegabytes: number): Promise<Upload> {
  if (!ctx.is('multipart/form-data')) {
    throw new Problem(415, 'send the photo as multipart/form-data, in the field "photo"');
  }
  if (Number(ctx.get('Content-Length')) > maxMegabytes * MEGABYTE + 64 * 1024) throw tooLarge(maxMegabytes);
  const parse = koaBody({
    multipart: true,
    onError: (error) => refuse(error, maxMegabytes),
    formidable: {
      uploadDir: directory,
      // The client's own file name never meets the file system.
      filename: () => randomUUID(),
      maxFiles: 1,
      maxFileSize: maxMegabytes * MEGABYTE,
      maxTotalFileSize: maxMegabytes * MEGABYTE,
      allowEmptyFiles: true,
      minFileSize: 0,
      ...FIELDS,
    },
  });
  await Promise.race([parse(ctx, async () => {}), aborted(ctx)]);
  const file = onlyPhoto(ctx.request.files);
  return { path: file.filepath, bytes: file.size, fields: Object(ctx.request.body) };
}

/** Rejects when the client goes away: the parser would wait for ever if that happened before it listened. */
function aborted({ req }: Context): Promise<never> {
  return new Promise((_resolve, reject) => {
    const gone = () => reject(new Problem(400, 'the client went away'));
    if (req.destroyed && !req.complete) gone();
    else req.once('close', () => !req.complete && gone());
  });
}

function onlyPhoto(files: Record<string, File | File[]> | undefined): File {
  const photo = files?.photo;
  if (!photo || Array.isArray(photo)) throw invalid('photo', 'exactly one file is expected in this field');
  if (photo.size === 0) throw invalid('photo', 'is empty');
  return photo;
}

// formidable's errors carry httpCode, which Koa does not read: unmapped they would all answer 500.
function refuse(error: Error & { httpCode?: number; code?: unknown }, maxMegabytes: number): never {
  const TOO_MANY_FILES = 1015;
  if (error.code === TOO_MANY_FILES) throw invalid('photo', 'exactly one file is expected in this field');
  if (error.httpCode === 413 && /file/i.test(error.message)) throw tooLarge(maxMegabytes);
  if (error.httpCode === 413) throw new Problem(413, 'the form fields are too large or too many');
  if (error.httpCode) throw new Problem(400, `the form cannot be read: ${error.message}`);
  throw error;
}

function tooLarge(maxMegabytes: number): Problem {
  const message = `is larger than ${maxMegabytes} MB`;
  return new Problem(413, `photo: ${message}`, { errors: [{ field: 'photo', message }] });
}
