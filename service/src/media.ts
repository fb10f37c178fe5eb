import { UsageError } from './errors.ts';
import { checkMedia } from './media-check.ts';
import { copyMedia } from './media-copy.ts';

const USAGE = 'usage: media copy [--dry-run] [--verify] | media check [--json]';

/** A verb about photos' files: the flags that it knows, and what it does with those it was given. */
interface Verb {
  flags: string[];
  run(flags: string[], env: NodeJS.ProcessEnv): Promise<number>;
}

const verbs = new Map<string, Verb>([
  ['copy', { flags: ['--dry-run', '--verify'], run: copyMedia }],
  ['check', { flags: ['--json'], run: checkMedia }],
]);

/**
 * `media`: copies photos' files to a bucket, or looks whether they are all there.
 * @throws {UsageError} for wrong words or bad configuration.
 */
export async function runMedia([name = '', ...flags]: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const verb = verbs.get(name);
  if (!verb || !flags.every((flag) => verb.flags.includes(flag))) throw new UsageError(USAGE);
  return verb.run(flags, env);
}
