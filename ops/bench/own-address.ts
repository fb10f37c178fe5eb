import { networkInterfaces } from 'node:os';

const ENGINE = /^(docker|br-|veth)/;

/**
 * An address of this machine as the world sees it, so that a load takes the way that real clients take: the
 * engine leads 127.0.0.1 alone through a proxy process, which would cost more than nginx does.
 */
export function ownAddress(): string {
  const outer = Object.entries(networkInterfaces()).filter(([name]) => !ENGINE.test(name));
  const addresses = outer
    .flatMap(([, all = []]) => all)
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  return addresses[0]?.address ?? '127.0.0.1';
}
