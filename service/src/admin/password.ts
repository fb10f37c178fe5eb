import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

/**
 * argon2id at the OWASP minimum: 19 MiB, two passes, one lane.
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Longest accepted password. Argon2 does not care, but our 4 kB form does. */
export const PASSWORD_MAX_LENGTH = 200;

let decoy: Promise<string> | undefined;

export async function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

/**
 * Checks a password and takes as long for nobody's as for somebody's: without a stored hash the work is
 * done against a decoy and the answer is false. The decoy is made before it is known whether it will be
 * needed, so that the first miss does not take twice the time of a hit.
 */
export async function checkPassword(storedHash: string | undefined, password: string): Promise<boolean> {
  decoy ??= hashPassword(randomBytes(16).toString('hex'));
  const standIn = await decoy;
  const matches = await verify(storedHash ?? standIn, password);
  return storedHash !== undefined && matches;
}

/** A password nobody has to think up: 24 characters, over 140 bits, safe to double-click and paste. */
export function generatePassword(): string {
  // "+" and "/" end a double-click selection; any letter will do in their place.
  return randomBytes(18).toString('base64').replaceAll('+', 'x').replaceAll('/', 'y');
}
