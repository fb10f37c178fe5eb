import { setMaxListeners } from 'node:events';
import { type LoadContext, runHttp1Client, runHttp2Client } from './clients.ts';
import { startLatencyProxy } from './latency-proxy.ts';
import { runOpenLoop } from './open-loop.ts';
import { pause } from './pause.ts';
import { createSalon, prepareDownload } from './prepare.ts';
import { emptyResult, type LoadResult } from './result.ts';
import { downloadSlowly } from './slow-download.ts';
import { uploadSlowly } from './slow-upload.ts';

export { type Failure, type LoadResult, median, percentile } from './result.ts';

/** A slow upload takes 30 s: what needs much more than that is stuck. */
const LONGEST_STOP_MILLISECONDS = 40_000;

export interface LoadOptions {
  /** Where nginx listens; 127.0.0.1 unless told otherwise. */
  host?: string;
  httpsPort: number;
  token: string;
  /** HTTP/1.1 keep-alive connections. */
  clients?: number;
  /** HTTP/2 sessions, each with three streams at the same time. */
  http2Clients?: number;
  slowUploads?: number;
  /** So many over HTTP/1.1 and so many over HTTP/2. */
  slowDownloads?: number;
  longestGapMilliseconds?: number;
  /** HTTP/1.1 requests begin at this rate over `clients` connections, instead of after gaps. */
  ratePerSecond?: number;
  /** Each way. */
  latencyMilliseconds?: number;
  /** The load ends by itself after so long. */
  maxSeconds?: number;
}

export interface Load {
  /** As it stands now. */
  readonly result: LoadResult;
  /** Begins no new request and waits for those under way; what still is after 40 s is cut and so has failed. */
  stop: () => Promise<LoadResult>;
}

/**
 * Uses a stack like many different clients at once, through a proxy that adds latency, and counts every
 * request that fails: a lost connection, a timeout (30 s), an answer cut short, any status but the expected
 * one. Nothing is sent again but HTTP/2 streams that the server said it never looked at.
 * @throws Error when the salons that it reads cannot be created
 */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const { host = '127.0.0.1', httpsPort, latencyMilliseconds = 20, maxSeconds = 300 } = options;
  const proxy = await startLatencyProxy({ host, port: httpsPort }, latencyMilliseconds);
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one per client
  const begun = begin(options, proxy.port, stopping.signal);
  // Without salons there is no load, and nobody who would stop the proxy.
  const { result, clients } = await begun.catch((error) => proxy.close().then(() => Promise.reject(error)));
  const timer = setTimeout(() => stopping.abort(), maxSeconds * 1000);
  const finish = async () => {
    clearTimeout(timer);
    stopping.abort();
    const finished = new AbortController();
    await Promise.race([clients, pause(LONGEST_STOP_MILLISECONDS, finished.signal)]);
    finished.abort();
    await proxy.close();
    await clients;
    return result;
  };
  let stopped: Promise<LoadResult> | undefined;
  return {
    result,
    stop: () => {
      stopped ??= finish();
      return stopped;
    },
  };
}

async function begin(options: LoadOptions, port: number, stopping: AbortSignal) {
  const {
    token,
    clients = 40,
    http2Clients = 4,
    slowUploads = 1,
    slowDownloads = 1,
    ratePerSecond,
  } = options;
  const { longestGapMilliseconds = 10_000 } = options;
  const subject = { token, slug: await createSalon(port, token, 'Load') };
  const uploads = { token, slug: slowUploads ? await createSalon(port, token, 'Load upload') : '' };
  const download = slowDownloads ? await prepareDownload(port, token) : undefined;
  const result = emptyResult();
  const context: LoadContext = { port, subject, longestGapMilliseconds, result, stopping };
  const runs = times(http2Clients, () => runHttp2Client(context));
  if (ratePerSecond) runs.push(runOpenLoop(context, clients, ratePerSecond));
  else runs.push(...times(clients, () => runHttp1Client(context)));
  runs.push(...times(slowUploads, () => uploadSlowly(port, uploads, result, stopping)));
  for (const protocol of ['HTTP/1.1', 'HTTP/2'] as const)
    if (download)
      runs.push(...times(slowDownloads, () => downloadSlowly(protocol, port, download, result, stopping)));
  return { result, clients: Promise.all(runs) };
}

function times(count: number, run: () => Promise<void>): Promise<void>[] {
  return Array.from({ length: count }, run);
}
