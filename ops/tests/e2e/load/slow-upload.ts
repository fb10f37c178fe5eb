import { randomUUID } from 'node:crypto';
import type { ClientRequest } from 'node:http';
import sharp from 'sharp';
import type { Call } from './call.ts';
import { createAgent, exchange } from './http1.ts';
import { pause } from './pause.ts';
import { type LoadResult, record } from './result.ts';

const PIECES = 150;
const SECONDS = 30;

/** Uploads a photo of about 1 MB to a salon in small pieces over 30 s, one after the other until `stopping`. */
export async function uploadSlowly(
  port: number,
  subject: { token: string; slug: string },
  result: LoadResult,
  stopping: AbortSignal,
): Promise<void> {
  const { call, body } = multipart(subject, await createPhoto());
  const agent = createAgent();
  const write = (request: ClientRequest, isOver: () => boolean) => writeSlowly(request, body, isOver);
  while (!stopping.aborted) {
    const outcome = await exchange(agent, port, call, { write, timeoutMilliseconds: 2 * SECONDS * 1000 });
    result.uploads += 1;
    record(result, 'HTTP/1.1', call, outcome);
    if (outcome.failure) await pause(1000, stopping);
  }
  agent.destroy();
}

/** Noise can hardly be compressed: these make a megabyte. */
function createPhoto(): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const create = { width: 1150, height: 1150, channels: 3, background: '#888', noise } as const;
  return sharp({ create }).jpeg({ quality: 90 }).toBuffer();
}

function multipart({ token, slug }: { token: string; slug: string }, photo: Buffer) {
  const boundary = randomUUID();
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="photo"; filename="slow.jpg"\r\ncontent-type: image/jpeg\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), photo, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': `multipart/form-data; boundary=${boundary}`,
    'content-length': String(body.length),
  };
  const call: Call = { method: 'POST', path: `/api/salons/${slug}/photos`, headers, expected: 201 };
  return { call, body };
}

async function writeSlowly(request: ClientRequest, body: Buffer, isOver: () => boolean): Promise<void> {
  const size = Math.ceil(body.length / PIECES);
  let offset = 0;
  for (; offset + size < body.length && !isOver(); offset += size) {
    request.write(body.subarray(offset, offset + size));
    await pause((SECONDS * 1000) / PIECES);
  }
  // The last piece and the end together: with the last byte the api may answer.
  if (!isOver()) request.end(body.subarray(offset));
}
