import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a bucket does to those who want something of it. */
export type Mood =
  | 'good'
  /** Hangs up on everybody. */
  | 'down'
  /** Takes a request's first half and hangs up. */
  | 'half-way'
  /** Half a second for everything. */
  | 'slow'
  /** Takes what is sent and gives, lists and deletes nothing. */
  | 'put-only'
  /** Changes a bit of what it is sent. */
  | 'rotten';

export interface BucketProxy {
  url: string;
  mood: Mood;
  /** How many requests it has seen since it was asked last. */
  count: () => number;
  close: () => void;
}

/** Stands before an S3 server. */
export async function startProxy(target: string): Promise<BucketProxy> {
  let seen = 0;
  const server = createServer((incoming, outgoing) => {
    seen += 1;
    void handle(proxy.mood, target, incoming, outgoing);
  });
  const proxy: BucketProxy = {
    url: '',
    mood: 'good',
    count: () => {
      const count = seen;
      seen = 0;
      return count;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

async function handle(mood: Mood, target: string, incoming: IncomingMessage, outgoing: ServerResponse) {
  if (mood === 'down') return incoming.socket.destroy();
  if (mood === 'put-only' && incoming.method !== 'PUT') {
    outgoing.writeHead(403, { 'content-type': 'application/xml' });
    return outgoing.end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
  }
  if (mood === 'slow') await new Promise((resolve) => setTimeout(resolve, 500));
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
    if (mood === 'half-way' && incoming.method === 'PUT') return incoming.socket.destroy();
  }
  const body = Buffer.concat(chunks);
  if (mood === 'rotten' && body.length > 0) body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
  const { hostname, port } = new URL(target);
  const { method, url: path, headers } = incoming;
  const upstream = request({ hostname, port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  upstream.on('error', () => outgoing.destroy());
  upstream.end(body);
}
