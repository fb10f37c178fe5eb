import { type IncomingMessage, request } from 'node:http';
import { EXIT, Failure } from '../report/failure.ts';

/**
 * The engine's own API over its unix socket. A deploy asks the engine some hundred questions; as `docker`
 * commands each would cost a process and 60 ms, which is most of the time a switch may take.
 * https://docs.docker.com/reference/api/engine/
 */

const DEFAULT_SOCKET = '/var/run/docker.sock';

/** Where the engine listens. @throws Failure for an engine on another machine: this product runs where it works */
export function engineSocket(dockerHost = process.env.DOCKER_HOST): string {
  if (!dockerHost) return DEFAULT_SOCKET;
  if (dockerHost.startsWith('unix://')) return dockerHost.slice('unix://'.length);
  throw new Failure(`DOCKER_HOST=${dockerHost} is not a unix socket of this machine`, {
    state: 'nothing was changed',
    next: 'unset DOCKER_HOST, or set it to unix:///path/of/docker.sock',
    exitCode: EXIT.usage,
  });
}

/** The engine answered with an error status. */
export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
  }
}

interface SendOptions {
  /** Without it no bound: some answers take minutes. */
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** Sends one request; the answer's body is still to be read. */
function send(
  method: string,
  path: string,
  body?: unknown,
  { signal, headers = {} }: SendOptions = {},
): Promise<IncomingMessage> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        socketPath: engineSocket(),
        method,
        path,
        agent: false,
        ...(signal ? { signal } : {}),
        headers: text
          ? { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
          : headers,
      },
      resolve,
    );
    call.once('error', reject);
    call.end(text);
  });
}

async function readAll(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * One call, its whole answer.
 * @throws EngineError with the engine's own message when it refuses
 */
export async function callEngine(
  method: string,
  path: string,
  body?: unknown,
  options?: SendOptions,
): Promise<Buffer> {
  const answer = await send(method, path, body, options);
  const bytes = await readAll(answer);
  const status = answer.statusCode ?? 0;
  if (status < 400) return bytes;
  throw new EngineError(status, `the engine refused ${method} ${path}: ${messageOf(bytes)} (${status})`);
}

/** One call whose answer is JSON. @throws EngineError */
export async function askEngine<T>(method: string, path: string, body?: unknown): Promise<T> {
  return JSON.parse((await callEngine(method, path, body)).toString('utf8')) as T;
}

function messageOf(bytes: Buffer): string {
  const text = bytes.toString('utf8').trim();
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}

/** Whether an error only says that the thing is not there (any more). */
export function isMissing(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404;
}

const HEADER_BYTES = 8;

/**
 * Joins the two streams of a container without a terminal in the order in which they were written. Each
 * frame is one byte for the stream, three of zero, four for the length, then the text.
 */
export function joinStreams(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length));
    at += HEADER_BYTES + length;
  }
  return Buffer.concat(parts).toString('utf8');
}

const PING_SECONDS = 10;

/** Whether the engine answers at all, within 10 s: one that hangs is as good as none. */
export async function engineAnswers(): Promise<boolean> {
  return send('GET', '/_ping', undefined, { signal: AbortSignal.timeout(PING_SECONDS * 1000) }).then(
    (answer) => {
      answer.resume();
      return answer.statusCode === 200;
    },
    () => false,
  );
}
