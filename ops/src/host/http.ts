import { get, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:tls';

export interface Answer {
  status: number;
  release: string | undefined;
  body: string;
}

export interface HttpsTarget {
  host: string;
  port: number;
  headers?: Record<string, string>;
  /** Bound of the whole exchange. */
  timeoutSeconds?: number;
}

/**
 * One HTTPS request to this server's own nginx over a connection of its own. The certificate is not
 * verified: it may be the self-signed placeholder, and the peer is ourselves.
 */
export function askSecurely(target: HttpsTarget, path: string): Promise<Answer> {
  const { host, port, headers = {}, timeoutSeconds = 5 } = target;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...{ host, port, path, servername: 'localhost', rejectUnauthorized: false, agent: false },
        headers: { host: port === 443 ? 'localhost' : `localhost:${port}`, ...headers },
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      },
      (response) => {
        readAnswer(response).then(resolve, reject);
      },
    );
    call.on('error', reject);
    call.end();
  });
}

/** The same to the port that this server publishes. */
export function askOurselves(port: number, path: string): Promise<Answer> {
  return askSecurely({ host: '127.0.0.1', port }, path);
}

/** One plain request over a connection of its own, answered within 2 s; null when there is no answer. */
export function askPlainly(address: string, portNumber: number, path: string): Promise<Answer | null> {
  return new Promise((resolve) => {
    const call = get({ host: address, port: portNumber, path, agent: false, timeout: 2000 }, (response) => {
      readAnswer(response).then(resolve, () => resolve(null));
    });
    call.once('timeout', () => call.destroy(new Error('timeout')));
    call.once('error', () => resolve(null));
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  let body = '';
  response.setEncoding('utf8');
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode ?? 0, release: response.headers['x-release']?.toString(), body };
}

export interface Certificate {
  issuer: string;
  selfSigned: boolean;
  daysLeft: number;
}

/** The certificate that nginx serves right now, read from a real handshake; null when there is none. */
export function readServedCertificate(portNumber: number): Promise<Certificate | null> {
  return new Promise((resolve) => {
    const socket = connect(
      {
        host: '127.0.0.1',
        port: portNumber,
        servername: 'localhost',
        rejectUnauthorized: false,
        timeout: 3000,
      },
      () => {
        const peer = socket.getPeerCertificate();
        socket.destroy();
        const issuer = String(peer.issuer?.O ?? peer.issuer?.CN ?? 'unknown');
        resolve({
          issuer,
          selfSigned: JSON.stringify(peer.issuer) === JSON.stringify(peer.subject),
          daysLeft: Math.floor((Date.parse(peer.valid_to) - Date.now()) / 86_400_000),
        });
      },
    );
    socket.once('error', () => resolve(null));
    socket.once('timeout', () => {
      socket.destroy();
      resolve(null);
    });
  });
}
