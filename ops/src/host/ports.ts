import { createServer } from 'node:net';
import { attempt } from './exec.ts';

/**
 * Who keeps a TCP port from being published, in words; null when it is free. Binding it is the only
 * authoritative question; `ss` and the engine only supply the name.
 */
export async function findPortHolder(portNumber: number): Promise<string | null> {
  if (await canBind(portNumber)) return null;
  const container = await attempt('docker', [
    'ps',
    '--filter',
    `publish=${portNumber}`,
    '--format',
    '{{.Names}}',
  ]);
  if (container.stdout.trim()) return `container ${container.stdout.trim().split('\n')[0]}`;
  const sockets = await attempt('ss', ['-Hltnp', `sport = :${portNumber}`]);
  const [, name, pid] = /users:\(\("([^"]+)",pid=(\d+)/.exec(sockets.stdout) ?? [];
  return name ? `${name} (pid ${pid})` : 'another process';
}

function canBind(portNumber: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port: portNumber, host: '0.0.0.0', exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}
