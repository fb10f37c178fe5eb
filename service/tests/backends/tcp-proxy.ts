import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire that can be cut or go dead. */
export interface TcpProxy {
  url: string;
  /** pass: as if it were not there. forge: turns `signed!` into `forged!`. cut: breaks every connection once so many bytes went up. hang: takes all, passes nothing. */
  mode(mode: 'pass' | 'forge' | 'cut' | 'hang', afterBytes?: number): void;
  /** Resolves when the next connection has been cut. */
  broken(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one in front of a port of this machine. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  let mode = 'pass';
  let afterBytes = 0;
  let onBroken = () => {};
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let sent = 0;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      if (mode === 'hang') return;
      if (mode === 'cut' && sent > afterBytes) {
        client.destroy();
        upstream.destroy();
        onBroken();
        return;
      }
      const passed = mode === 'forge' ? chunk.toString('latin1').replace('signed!', 'forged!') : chunk;
      if (!upstream.write(passed, 'latin1')) {
        client.pause();
        upstream.once('drain', () => client.resume());
      }
    });
    upstream.on('data', (chunk: Buffer) => mode === 'hang' || client.write(chunk));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode(next, bytes = 0) {
      mode = next;
      afterBytes = bytes;
    },
    broken: () =>
      new Promise((resolve) => {
        onBroken = resolve;
      }),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
