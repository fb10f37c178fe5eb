import { connect, createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** How much may wait on its way in one direction of one connection: above it, the sender is not read. */
const BUFFER_BYTES = 256 * 1024;

/** A TCP proxy that delays every byte: on loopback without latency the losses of a reload hide. */
export interface LatencyProxy {
  port: number;
  /** Cuts whatever is still connected. */
  close: () => Promise<void>;
}

/**
 * Listens on a free port of 127.0.0.1. Order is kept; FIN and RST reach the other side as what they are, late
 * like everything else. Only the handshake of TCP itself is not delayed.
 * @param milliseconds of delay each way
 */
export async function startLatencyProxy(
  target: { host: string; port: number },
  milliseconds: number,
): Promise<LatencyProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    forward(client, upstream, milliseconds);
    forward(upstream, client, milliseconds);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Data, end and error of one side reach the other in order, each late by the same time. */
function forward(from: Socket, to: Socket, milliseconds: number): void {
  const line = createDelayLine(milliseconds);
  let onTheWay = 0;
  const regulate = () => {
    if (onTheWay + to.writableLength > BUFFER_BYTES) from.pause();
    else from.resume();
  };
  from.on('data', (chunk: Buffer) => {
    onTheWay += chunk.length;
    regulate();
    line.add(() => {
      onTheWay -= chunk.length;
      // The callback comes when the kernel has it, or when the target is gone: either way there is room.
      if (!to.destroyed) to.write(chunk, regulate);
    });
  });
  const reset = () => {
    from.destroy();
    line.add(() => to.resetAndDestroy());
  };
  from.once('error', reset);
  from.once('end', () => {
    // libuv reports an RST that comes right behind data as an end; only then is there no peer any more.
    if (from.remoteAddress === undefined && !from.writableEnded) reset();
    else line.add(() => to.end());
  });
}

/** Actions run in the order in which they came, each so long after it came; one timer for all of them. */
function createDelayLine(milliseconds: number): { add: (action: () => void) => void } {
  const queue: { due: number; action: () => void }[] = [];
  const run = () => {
    const now = performance.now();
    for (let next = queue[0]; next && next.due <= now; next = queue[0]) {
      next.action();
      queue.shift(); // only now: what the action itself adds must find the timer taken care of
    }
    // A timer may fire a fraction of a millisecond early: rounded up, it does not have to fire twice.
    if (queue[0]) setTimeout(run, Math.ceil(queue[0].due - now));
  };
  return {
    add: (action) => {
      queue.push({ due: performance.now() + milliseconds, action });
      if (queue.length === 1) setTimeout(run, milliseconds);
    },
  };
}
