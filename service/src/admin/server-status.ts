import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const time = z.iso.datetime();
const bytes = z.number().min(0);

/** A backup, or a drill that restored one. */
const run = z.object({ at: time, seconds: z.number().nullish(), bytes: bytes.nullish(), result: z.string() });

// What the server's side writes; anything more that a newer one writes is passed over.
const schema = z.object({
  writtenAt: time,
  releases: z.array(
    z.object({
      what: z.enum(['deploy', 'rollback']),
      tag: z.string(),
      result: z.enum(['done', 'failed', 'undone', 'interrupted']),
      started: time,
      seconds: z.number(),
      by: z.string(),
    }),
  ),
  certificate: z
    .object({ issuer: z.string(), selfSigned: z.boolean(), daysTotal: z.number(), daysLeft: z.number() })
    .nullable(),
  disk: z.object({ freeBytes: bytes, totalBytes: bytes }).nullable(),
  backup: run.nullable(),
  drill: run.nullable(),
});

/** What only the server itself knows: releases, certificate, disk, backups. As of `writtenAt`. */
export type ServerStatus = z.infer<typeof schema>;

/** Reads it; undefined when the file is missing or malformed, so that the panel says "not known". */
export async function readServerStatus(file: string): Promise<ServerStatus | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
