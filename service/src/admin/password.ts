import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

/**
 * argon2id at the OWASP minimum: 19 MiB, two passes, one lane.
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Longest accepted password. Argon2 does not care, but our 4 kB form does. */
export const PASSWORD_MAX_LENGTH = 200;
/** Shortest password that somebody may choose. */
export const PASSWORD_MIN_LENGTH = 12;

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

/**
 * What is wrong with a password that somebody chose, or undefined. Length, and nothing that can be read off the
 * account: rules about kinds of characters only make passwords alike.
 * https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver
 */
export function newPasswordProblem(password: string, email: string): string | undefined {
  if (password.length < PASSWORD_MIN_LENGTH) {
    return `The new password is too short: ${PASSWORD_MIN_LENGTH} characters or more, such as four words.`;
  }
  if (password.length > PASSWORD_MAX_LENGTH) {
    return `The new password is too long: ${PASSWORD_MAX_LENGTH} characters at most.`;
  }
  const lower = password.toLowerCase();
  const [name = ''] = email.split('@');
  // What is left beside the e-mail or the name in it must be a password by itself.
  const rest = lower.replaceAll(email, '').replaceAll(name, '');
  if (email.includes(lower) || rest.length < PASSWORD_MIN_LENGTH / 2) {
    return 'The new password is the e-mail, or little more than it.';
  }
  return undefined;
}
