import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { performance } from 'node:perf_hooks';
import { type Call, type Outcome, type Pace, TIMEOUT_MILLISECONDS } from './call.ts';
import { openSession, type Session } from './http2-session.ts';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

/** So often a call is sent again before the server's refusing counts as a failure. */
const MOST_ATTEMPTS = 10;

/** A client that keeps one session, and opens the next when the server has ended it. */
export interface Http2Client {
  /** Never rejects. @param onRetry is called before a call is sent again that the server did not look at */
  exchange: (call: Call, onRetry: () => void, pace?: Pace) => Promise<Outcome>;
  close: () => void;
}

export function createHttp2Client(port: number): Http2Client {
  let session: Session | undefined;
  const current = () => {
    if (!session || session.isOver()) session = openSession(port);
    return session;
  };
  return {
    exchange: async (call, onRetry, pace = {}) => {
      const started = performance.now();
      let attempt: Attempt = {};
      for (let n = 0; n < MOST_ATTEMPTS; n += 1) {
        if (attempt.wasRefused) onRetry();
        attempt = await tryOnce(current(), call, pace);
        if (!attempt.wasRefused && !attempt.wasNotSent) break;
      }
      const { body = Buffer.alloc(0), release, failure } = attempt;
      return { milliseconds: performance.now() - started, body, release, failure };
    },
    close: () => session?.http2.close(),
  };
}

interface Attempt {
  body?: Buffer;
  release?: string | undefined;
  failure?: string | undefined;
  /** The server said that it did not act on it: RFC 9113, sections 6.8 and 8.7, allow to send it again. */
  wasRefused?: boolean;
  /** It never left: the session had ended before there was a stream. */
  wasNotSent?: boolean;
}

async function tryOnce(session: Session, call: Call, pace: Pace): Promise<Attempt> {
  try {
    await session.ready;
    // The server may have ended it right after it began.
    if (session.isOver()) return { wasNotSent: true, failure: 'no session lived long enough for a request' };
    const head = { ':method': call.method, ':path': call.path, ':authority': 'localhost', ...call.headers };
    const stream = session.http2.request(head, { endStream: call.body === undefined });
    if (call.body !== undefined) stream.end(call.body);
    return judge(await finish(stream, pace), session, call);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { failure: `${code ? `${code} ` : ''}${message} on a new connection` };
  }
}

interface Ending {
  stream: ClientHttp2Stream;
  headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  body: Buffer;
  hasEnded: boolean;
  error?: Error;
}

/** Waits for the stream's close, which comes after everything else, whatever happens. */
function finish(stream: ClientHttp2Stream, pace: Pace): Promise<Ending> {
  const ending: Ending = { stream, headers: {}, body: Buffer.alloc(0), hasEnded: false };
  const chunks: Buffer[] = [];
  const { timeoutMilliseconds = TIMEOUT_MILLISECONDS, onChunk } = pace;
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      ending.error = new Error(`not answered in full in ${timeoutMilliseconds / 1000} s`);
      stream.close(NGHTTP2_CANCEL);
    }, timeoutMilliseconds);
    stream.on('response', (headers) => {
      ending.headers = headers;
    });
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (!onChunk) return;
      stream.pause();
      void onChunk(chunk.length, Number(ending.headers['content-length'])).then(() => stream.resume());
    });
    stream.on('end', () => {
      ending.hasEnded = true;
    });
    stream.on('error', (error) => {
      ending.error ??= error;
    });
    stream.on('close', () => {
      clearTimeout(timer);
      resolve({ ...ending, body: Buffer.concat(chunks) });
    });
  });
}

function judge({ stream, headers, body, hasEnded, error }: Ending, session: Session, call: Call): Attempt {
  const release = headers['x-release']?.toString();
  const status = headers[':status'];
  const length = headers['content-length'];
  // Node ends the body of a stream that was cut as well: only the reset code and the length tell.
  const isWhole =
    hasEnded &&
    !error &&
    stream.rstCode === NGHTTP2_NO_ERROR &&
    (length === undefined || Number(length) === body.length);
  if (status !== undefined && isWhole) {
    const wrongStatus = `HTTP ${status}: ${body.toString('utf8', 0, 200)}`;
    return { body, release, failure: status === call.expected ? undefined : wrongStatus };
  }
  const { id, rstCode } = stream;
  const reason = `${error?.message ?? `reset with code ${rstCode}`}, ${body.length} bytes arrived`;
  const failure = `${reason}; stream ${id}, GOAWAY after ${session.lastStreamId()}`;
  const wasAnswered = status !== undefined;
  // Node gives a stream its number when it hands it to the connection.
  if (id === undefined && !error) return { wasNotSent: true, failure };
  const wasRefused = rstCode === NGHTTP2_REFUSED_STREAM || (id !== undefined && id > session.lastStreamId());
  return { release, failure, wasRefused: wasRefused && !wasAnswered };
}
