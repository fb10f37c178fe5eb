import { get, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { Certificate } from '../plan/certificate.ts';
import { normalizeName } from '../plan/site.ts';

export interface Answer {
  status: number;
  release: string | undefined;
  body: string;
}

export interface HttpsTarget {
  host: string;
  port: number;
  /** The host name that is asked for. */
  name: string;
  headers?: Record<string, string>;
  /** Bound of the whole exchange. */
  timeoutSeconds?: number;
}

/**
 * One HTTPS request to this server's own nginx over a connection of its own. The certificate is not
 * verified: it may be the self-signed placeholder, and the peer is ourselves.
 */
export function askSecurely(target: HttpsTarget, path: string): Promise<Answer> {
  const { host, port, name, headers = {}, timeoutSeconds = 5 } = target;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...{ host, port, path, ...handshakeFor(name), agent: false },
        headers: { host: port === 443 ? inUrl(name) : `${inUrl(name)}:${port}`, ...headers },
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

/** A name as it stands in a URL and in Host. */
export const inUrl = (name: string) => (isIP(name) === 6 ? `[${name}]` : name);

/** An address is never named in the handshake. https://www.rfc-editor.org/rfc/rfc6066#section-3 */
const handshakeFor = (name: string) => ({ servername: isIP(name) ? '' : name, rejectUnauthorized: false });

/** The same to the port that this server publishes. With a cookie, so that no cache answers. */
export function askOurselves({ port, name }: Ourselves, path: string): Promise<Answer> {
  return askSecurely({ host: '127.0.0.1', port, name, headers: { cookie: 'atlas-check=1' } }, path);
}

/** How this server's own nginx is reached from here. */
export interface Ourselves {
  port: number;
  /** One of the names that it answers to. */
  name: string;
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

/** The certificate that nginx serves right now, read from a real handshake; null when there is none. */
export function readServedCertificate({ port, name }: Ourselves): Promise<Certificate | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ...handshakeFor(name), timeout: 3000 }, () => {
      const peer = socket.getPeerCertificate();
      socket.destroy();
      const issuer = String(peer.issuer?.O ?? peer.issuer?.CN ?? 'unknown');
      resolve({
        issuer,
        selfSigned: JSON.stringify(peer.issuer) === JSON.stringify(peer.subject),
        daysTotal: Math.round((Date.parse(peer.valid_to) - Date.parse(peer.valid_from)) / 86_400_000),
        daysLeft: Math.floor((Date.parse(peer.valid_to) - Date.now()) / 86_400_000),
        serial: peer.serialNumber,
        names: (peer.subjectaltname ?? '')
          .split(', ')
          .map((one) => normalizeName(one.replace(/^(DNS|IP Address):/, ''))),
      });
    });
    socket.once('error', () => resolve(null));
    socket.once('timeout', () => {
      socket.destroy();
      resolve(null);
    });
  });
}
