import { readFile } from 'node:fs/promises';
import { EXIT, Failure } from '../../report/failure.ts';

// Loaded when it is used: other verbs need not wait for it.
const load = () => import('age-encryption');

/** Makes something only the holders of the private keys can read. https://age-encryption.org/v1 */
export type Encrypt = (content: Uint8Array) => Promise<Uint8Array>;

/** @param recipients public keys, age1… with commas between them  @throws Failure (exit 2) for what is no public key */
export async function createEncrypter(recipients: string): Promise<Encrypt> {
  const { Encrypter } = await load();
  const encrypter = new Encrypter();
  for (const recipient of recipients.split(',')) {
    try {
      encrypter.addRecipient(recipient.trim());
    } catch (error) {
      throw new Failure(
        `BACKUP_AGE_RECIPIENTS: ${recipient} is no public key of age: ${(error as Error).message}`,
        {
          ...{
            state: 'nothing was sent',
            next: 'ops/atlas offsite-key makes a pair of keys',
            exitCode: EXIT.usage,
          },
        },
      );
    }
  }
  return (content) => encrypter.encrypt(content);
}

export type Decrypt = (content: Uint8Array) => Promise<Uint8Array>;

/** An object that is not what was sent. */
export class DamagedObject extends Failure {}

/**
 * @param file with private keys, one AGE-SECRET-KEY-… a line; lines that begin with # are not read
 * @throws Failure (exit 2) when there is none in it
 */
export async function createDecrypter(file: string): Promise<Decrypt> {
  const { Decrypter } = await load();
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw usage(`KEY=${file} cannot be read: ${error.message}`);
  });
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'));
  const decrypter = new Decrypter();
  try {
    for (const key of keys) decrypter.addIdentity(key);
  } catch {
    throw usage(`KEY=${file} holds something that is no private key of age`);
  }
  if (keys.length === 0) throw usage(`KEY=${file} holds no private key of age`);
  return async (content) => {
    try {
      return await decrypter.decrypt(content);
    } catch (error) {
      const why = (error as Error).message;
      if (why.startsWith('no identity matched'))
        throw usage(`KEY=${file} is another key than these backups are for`);
      throw new DamagedObject(`what came from the bucket is damaged: ${why}`);
    }
  };
}

const usage = (what: string) =>
  new Failure(what, {
    state: 'nothing was changed',
    next: 'KEY=<the file that ops/atlas offsite-key wrote>',
    exitCode: EXIT.usage,
  });

/** A new pair of keys. */
export async function generateKeys(): Promise<{ identity: string; recipient: string }> {
  const { generateX25519Identity, identityToRecipient } = await load();
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}
