// A real sshd on the loopback whose one key runs one program, as CI's does on a server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

export interface Sshd {
  port: number;
  /** What the scripts read: this user at 127.0.0.1, the key that is let in, the server's own pinned. */
  env: Record<string, string>;
  stop: () => Promise<void>;
}

/** Starts it. @param program what the key is forced to run, as text of a bash script */
export async function startSshd(directory: string, program: string): Promise<Sshd> {
  const at = (name: string) => path.join(directory, name);
  const port = await findPort();
  writeFileSync(at('gate'), `#!/bin/bash\ncd '${directory}'\n${program}\n`);
  chmodSync(at('gate'), 0o755);
  for (const name of ['host', 'id'])
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  const options = `restrict,command="${at('gate')}"`;
  writeFileSync(at('authorized_keys'), `${options} ${readFileSync(at('id.pub'), 'utf8')}`);
  // What sshd gives its unprivileged half to stand in; a distribution's service makes it.
  mkdirSync('/run/sshd', { recursive: true });
  const settings = [
    `ListenAddress=127.0.0.1:${port}`,
    `HostKey=${at('host')}`,
    `AuthorizedKeysFile=${at('authorized_keys')}`,
    `PidFile=none`,
    'PasswordAuthentication=no',
    'UsePAM=no',
    'StrictModes=no',
  ];
  const child = spawn(
    '/usr/sbin/sshd',
    ['-D', '-e', '-f', '/dev/null', ...settings.flatMap((one) => ['-o', one])],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk;
      if (log.includes('Server listening')) resolve();
    });
    child.once('close', () => reject(new Error(`sshd ended: ${log}`)));
  });
  return {
    port,
    env: {
      SSH_HOST: `${userInfo().username}@127.0.0.1`,
      SSH_PORT: String(port),
      SSH_PRIVATE_KEY: readFileSync(at('id'), 'utf8'),
      SSH_KNOWN_HOSTS: `[127.0.0.1]:${port} ${readFileSync(at('host.pub'), 'utf8')}`,
    },
    stop: async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    },
  };
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}
