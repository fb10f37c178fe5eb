import { Agent, request } from 'node:https';
import { stack } from './stack.ts';

export { waitFor } from './wait-for.ts';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  json: () => Record<string, unknown> & { items?: Record<string, unknown>[] };
}

export interface Call {
  token?: string;
  json?: unknown;
  form?: FormData;
  /** A body as it is; its type goes into headers. */
  raw?: string;
  headers?: Record<string, string>;
}

const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

/** One request to the stack through its nginx, over HTTPS. */
export async function send(method: string, path: string, call: Call = {}): Promise<Answer> {
  const body = await encode(call);
  const headers: Record<string, string> = { ...body.headers, ...call.headers };
  if (call.token) headers.authorization = `Bearer ${call.token}`;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: 'localhost', port: stack().httpsPort, path, method, headers, agent, timeout: 60_000 },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: whole,
            json: () => JSON.parse(whole.toString('utf8')),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body.bytes);
  });
}

async function encode(call: Call): Promise<{ bytes?: Buffer; headers: Record<string, string> }> {
  if (call.raw !== undefined) return { bytes: Buffer.from(call.raw), headers: {} };
  if (call.json !== undefined)
    return { bytes: Buffer.from(JSON.stringify(call.json)), headers: { 'content-type': 'application/json' } };
  if (!call.form) return { headers: {} };
  const encoded = new Response(call.form);
  const bytes = Buffer.from(await encoded.arrayBuffer());
  return {
    bytes,
    headers: {
      'content-type': encoded.headers.get('content-type') ?? '',
      'content-length': String(bytes.length),
    },
  };
}

/** A multipart form with one photo. */
export function photoForm(bytes: Uint8Array, name = 'photo.jpg', type = 'image/jpeg'): FormData {
  const form = new FormData();
  form.set('photo', new Blob([new Uint8Array(bytes)], { type }), name);
  return form;
}
