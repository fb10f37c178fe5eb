import { request } from 'node:https';
import { connect } from 'node:tls';

export interface Answer {
  status: number;
  release: string | undefined;
  body: string;
}

/**
 * One HTTPS request to this server's own nginx, as a client on the same machine. The certificate is not
 * verified: it may be the self-signed placeholder, and the peer is ourselves.
 * @param timeoutSeconds bound of the whole exchange
 */
export function askOurselves(portNumber: number, path: string, timeoutSeconds = 5): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port: portNumber,
        path,
        servername: 'localhost',
        headers: { host: portNumber === 443 ? 'localhost' : `localhost:${portNumber}` },
        rejectUnauthorized: false,
        agent: false,
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          const release = response.headers['x-release'];
          resolve({ status: response.statusCode ?? 0, release: release?.toString(), body });
        });
      },
    );
    call.on('error', reject);
    call.end();
  });
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
