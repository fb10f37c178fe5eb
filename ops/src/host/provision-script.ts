import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { paths } from './paths.ts';

/** In the order in which bash must read them: each may use what came before. */
const PARTS = [
  'bootstrap/report.sh',
  'bootstrap/apt.sh',
  'bootstrap/distribution.sh',
  'provision/ensure.sh',
  'provision/packages.sh',
  'provision/user.sh',
  'provision/updates.sh',
  'provision/swap.sh',
  'provision/sshd.sh',
  'provision/firewall.sh',
  'provision/checkout.sh',
  'provision/main.sh',
];

/** A word that bash reads as exactly this text. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * A script for `bash -s`: names first, then what it does. Nothing runs before bash has read all of it, so that a
 * connection that is cut while it is sent runs nothing.
 */
export function wrapScript(names: Readonly<Record<string, string>>, body: string): string {
  const assignments = Object.entries(names).map(([name, value]) => `${name}=${quote(value)}`);
  return ['{', 'set -Eeuo pipefail', ...assignments, body, 'exit', '}', ''].join('\n');
}

/** Everything that ops/provision is, as one script. @param names those that main.sh lists */
export async function composeProvisionScript(names: Readonly<Record<string, string>>): Promise<string> {
  const texts = await Promise.all(PARTS.map((part) => readFile(path.join(paths.root, 'ops', part), 'utf8')));
  return wrapScript(
    { speaker: 'provision', LOG: '/var/log/sevra-atlas-provision.log', ...names },
    [...texts, 'provision "$@"'].join('\n'),
  );
}
