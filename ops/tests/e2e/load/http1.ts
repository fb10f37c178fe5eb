import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { performance } from 'node:perf_hooks';
import { type Call, type Outcome, type Pace, TIMEOUT_MILLISECONDS } from './call.ts';

/** A body that is not written at once. */
export interface UploadPace extends Pace {
  /** Writes and ends the body; returns early when `isOver`. */
  write?: (request: ClientRequest, isOver: () => boolean) => Promise<void>;
}

/** An agent with one keep-alive connection. */
export function createAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
}

/** One HTTPS request over HTTP/1.1. Never rejects and never tries again: node's agent does not either. */
export async function exchange(
  agent: Agent,
  port: number,
  call: Call,
  pace: UploadPace = {},
): Promise<Outcome> {
  const started = performance.now();
  const { method, path } = call;
  const headers = { host: 'localhost', ...call.headers };
  const target = { host: '127.0.0.1', servername: 'localhost', port };
  const outgoing = request({ ...target, path, method, headers, agent });
  outgoing.on('error', () => {}); // the one that counts is thrown below; another may follow it
  let incoming: IncomingMessage | undefined;
  const { timeoutMilliseconds = TIMEOUT_MILLISECONDS } = pace;
  const timer = setTimeout(() => {
    // Destroying the request would hide the reason from whoever reads the answer.
    (incoming ?? outgoing).destroy(new Error(`not answered in full in ${timeoutMilliseconds / 1000} s`));
  }, timeoutMilliseconds);
  let answer = { body: Buffer.alloc(0), failure: undefined as string | undefined };
  try {
    const response = once(outgoing, 'response');
    if (pace.write) void pace.write(outgoing, () => incoming !== undefined || outgoing.destroyed);
    else outgoing.end(call.body);
    [incoming] = (await response) as [IncomingMessage];
    answer = await receive(incoming, call, pace);
    if (!outgoing.writableEnded) answer.failure ??= 'answered before the body was sent';
  } catch (error) {
    answer.failure = describe(error as NodeJS.ErrnoException, outgoing, incoming);
  }
  clearTimeout(timer);
  if (answer.failure) outgoing.destroy();
  const release = incoming?.headers['x-release']?.toString();
  return { milliseconds: performance.now() - started, release, ...answer };
}

/** Reads to the end; throws when that does not come. */
async function receive(response: IncomingMessage, call: Call, pace: Pace) {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    await pace.onChunk?.(chunk.length, Number(response.headers['content-length']));
  }
  const body = Buffer.concat(chunks);
  const wrongStatus = `HTTP ${response.statusCode}: ${body.toString('utf8', 0, 200)}`;
  if (response.statusCode !== call.expected) return { body, failure: wrongStatus };
  // Without either of them the end of the connection is the end of the answer, and a cut looks like one.
  const { 'content-length': length, 'transfer-encoding': encoding } = response.headers;
  const isWhole = response.complete && (encoding ? length === undefined : Number(length) === body.length);
  return { body, failure: isWhole ? undefined : `only ${body.length} bytes arrived` };
}

function describe(error: NodeJS.ErrnoException, outgoing: ClientRequest, incoming?: IncomingMessage): string {
  const where = incoming
    ? 'in the answer'
    : outgoing.reusedSocket
      ? 'on a reused connection'
      : 'on a new connection';
  return `${error.code ? `${error.code} ` : ''}${error.message} ${where}`;
}
