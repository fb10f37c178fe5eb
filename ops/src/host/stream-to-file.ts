import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BackupFile } from '../plan/backups.ts';
import { finish, startDocker } from './postgres.ts';

export interface StreamOptions {
  /** A command that must understand all of it too: gets the same bytes, and fails when they are not what it expects. */
  reader?: string[];
  /** Called with the bytes so far. */
  onBytes?: (bytes: number) => void;
}

/**
 * Streams what a command in a container writes to a synced file of mode 600 and measures it on the way, whatever
 * its size. @param args of docker  @throws Failure of the command or of the reader, whichever ended wrongly
 */
export async function streamToFile(
  args: string[],
  file: string,
  { reader, onBytes }: StreamOptions = {},
): Promise<BackupFile> {
  const child = startDocker(args, 'ignore', false);
  const reading = reader && openReader(reader);
  const hash = createHash('sha256');
  let bytes = 0;
  async function* measure(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      await reading?.write(chunk);
      onBytes?.(bytes);
      yield chunk;
    }
  }
  const target = createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true });
  try {
    await pipeline(child.stdout as Readable, measure, target);
  } catch (error) {
    child.kill();
    reading?.kill();
    throw error;
  }
  const programOf = (words: string[]) => words.find((word) => word.startsWith('pg_')) ?? 'docker';
  const ends = [finish(programOf(args), args, child), reading?.end(programOf(reader ?? []))];
  // Whoever cut the other short is waited for first: its own reason is the one to tell.
  await ends[0]?.finally(() => ends[1]?.catch(() => {}));
  await ends[1];
  return { name: path.basename(file), bytes, sha256: hash.digest('hex') };
}

function openReader(args: string[]) {
  const child = startDocker(args, 'pipe');
  const stdin = child.stdin as Writable;
  let isGone = false;
  // One that ends early says why by its exit code.
  const gone = child.finally(() => {
    isGone = true;
  });
  stdin.on('error', () => {});
  return {
    async write(chunk: Buffer): Promise<void> {
      if (isGone || stdin.write(chunk)) return;
      await Promise.race([once(stdin, 'drain').catch(() => {}), gone]);
    },
    kill: () => child.kill(),
    end(what: string): Promise<void> {
      stdin.end();
      return finish(what, args, child);
    },
  };
}
