import { performance } from 'node:perf_hooks';
import type { Call, Pace } from './call.ts';
import { createAgent, exchange } from './http1.ts';
import { createHttp2Client } from './http2.ts';
import { pause } from './pause.ts';
import { type LoadResult, type Protocol, record } from './result.ts';

const SECONDS = 20;

/**
 * The end is read at once: when the connection is closed after the last byte, node forgets what a paused HTTP/2
 * stream has not given out yet. That is one window of 64 KB at most.
 */
const FAST_BYTES = 128 * 1024;

/**
 * Downloads one thing slowly, over 20 s, again and again until `stopping`. The buffers of the kernels between
 * take some megabytes off nginx's hands, so that over HTTP/1.1 it may be done long before the client is. Over
 * HTTP/2 it is not: there the client grants it 64 KB at a time.
 * @param call asks for a big answer
 */
export async function downloadSlowly(
  protocol: Protocol,
  port: number,
  call: Call,
  result: LoadResult,
  stopping: AbortSignal,
): Promise<void> {
  const http2 = createHttp2Client(port);
  const countRetry = () => {
    result.http2Retries += 1;
  };
  while (!stopping.aborted) {
    // A new connection each time: nginx, long done, has seen a gap of 20 s on it, and after a reload may close it.
    const agent = createAgent();
    const pace: Pace = { onChunk: slowReader(), timeoutMilliseconds: 3 * SECONDS * 1000 };
    const outcome = await (protocol === 'HTTP/2'
      ? http2.exchange(call, countRetry, pace)
      : exchange(agent, port, call, pace));
    agent.destroy();
    result.downloads += 1;
    record(result, protocol, call, outcome);
    if (outcome.failure) await pause(1000, stopping);
  }
  http2.close();
}

/** Waits after every chunk until so many bytes are due. */
function slowReader(): Required<Pace>['onChunk'] {
  const started = performance.now();
  let received = 0;
  return async (bytes, total) => {
    received += bytes;
    const due = started + (received / total) * SECONDS * 1000;
    if (received < total - FAST_BYTES && due > performance.now()) await pause(due - performance.now());
  };
}
