import type { Agent } from 'node:https';
import { drawCall, type Subject } from './calls.ts';
import { createAgent, exchange } from './http1.ts';
import { createHttp2Client } from './http2.ts';
import { drawGap, pause } from './pause.ts';
import { type LoadResult, record } from './result.ts';

const STREAMS_PER_SESSION = 3;

/** What every client of a load shares. */
export interface LoadContext {
  /** Of the proxy on 127.0.0.1. */
  port: number;
  subject: Subject;
  longestGapMilliseconds: number;
  result: LoadResult;
  /** Aborted when no new request may begin. */
  stopping: AbortSignal;
}

/** One keep-alive connection that sends, waits for the answer, rests, and sends again. */
export async function runHttp1Client(load: LoadContext): Promise<void> {
  const agent = createAgent();
  while (!load.stopping.aborted) {
    await sendOne(load, agent);
    await pause(drawGap(load.longestGapMilliseconds), load.stopping);
  }
  agent.destroy();
}

/** Sends one call of the mix and counts it. @param waited ms since it should have been sent */
export async function sendOne(
  { port, subject, result }: LoadContext,
  agent: Agent,
  waited = 0,
): Promise<void> {
  const call = drawCall(subject);
  const at = Date.now() - waited;
  const outcome = await exchange(agent, port, call);
  result.requests += 1;
  if (call.method === 'POST') result.posts += 1;
  result.samples.push({ at, milliseconds: outcome.milliseconds + waited, release: outcome.release });
  record(result, 'HTTP/1.1', call, outcome);
}

/** One session with some streams at the same time, each of them used like a connection. */
export async function runHttp2Client(load: LoadContext): Promise<void> {
  const { subject, result, stopping } = load;
  const client = createHttp2Client(load.port);
  const countRetry = () => {
    result.http2Retries += 1;
  };
  const runStream = async () => {
    while (!stopping.aborted) {
      const call = drawCall(subject);
      const outcome = await client.exchange(call, countRetry);
      result.http2Requests += 1;
      record(result, 'HTTP/2', call, outcome);
      await pause(drawGap(load.longestGapMilliseconds), stopping);
    }
  };
  await Promise.all(Array.from({ length: STREAMS_PER_SESSION }, runStream));
  client.close();
}
