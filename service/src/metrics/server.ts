import { createServer, type Server } from 'node:http';
import type { Metrics } from './metrics.ts';

/**
 * Serves /metrics on a port of its own, which no proxy leads to: what it tells is nobody's business outside.
 * Resolves when it listens.
 */
export async function serveMetrics({ registry }: Metrics, port: number): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') return response.writeHead(404).end();
    const text = await registry.metrics().catch(() => undefined);
    if (text === undefined) return response.writeHead(500).end();
    response.writeHead(200, { 'Content-Type': registry.contentType }).end(text);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, () => resolve());
  });
  return server;
}
