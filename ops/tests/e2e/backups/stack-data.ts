import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import type { BackupEvent } from '../../../src/plan/backup-events.ts';
import type { Manifest } from '../../../src/plan/backups.ts';
import { photoForm, send, waitFor } from '../client.ts';
import type { Outcome } from '../create-stack.ts';
import { stack } from '../stack.ts';

/** `make VERB`, which must succeed. */
export async function mustMake(verb: string, variables: Record<string, string> = {}): Promise<Outcome> {
  const outcome = await stack().make(verb, variables);
  expect(outcome.exitCode, `make ${verb}: ${outcome.stderr}`).to.equal(0);
  return outcome;
}

/** As superuser, in any database of the stack. */
export async function sql(query: string, database = 'atlas'): Promise<string> {
  const outcome = await stack().sh(
    ...(['docker', 'compose', 'exec', '-T', 'postgres', 'psql', '-U', 'postgres', '-d', database] as const),
    ...['-v', 'ON_ERROR_STOP=1', '-Atqc', query],
  );
  expect(outcome.exitCode, outcome.stderr).to.equal(0);
  return outcome.stdout.trim();
}

export const backupsDirectory = () => path.join(stack().directory, 'backups');

const STORES = ['media', 'wal', 'base', 'points.jsonl'];

/** Names in backups/ but those of what all backups share. */
export const listNames = () => readdirSync(backupsDirectory()).filter((name) => !STORES.includes(name));

export const readManifest = (id: string) =>
  JSON.parse(readFileSync(path.join(backupsDirectory(), id, 'manifest.json'), 'utf8')) as Manifest;

/** What the ledger says of backups, drills and restores, the last one last. */
export function readEvents(what: BackupEvent['what']): BackupEvent[] {
  return readFileSync(path.join(stack().directory, '.atlas/ledger.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as BackupEvent)
    .filter((event) => event.what === what);
}

/** A salon with one photo whose variants are ready. */
export async function createSalonWithPhoto(
  token: string,
  name: string,
  city: string,
): Promise<{ slug: string; urls: string[] }> {
  const created = await send('POST', '/api/salons', { token, json: { name, city, published: true } });
  expect(created.status, created.body.toString()).to.equal(201);
  const slug = String(created.json().slug);
  const background = { r: 90, g: 30, b: 160 };
  const bytes = await sharp({ create: { width: 400, height: 300, channels: 3, background } })
    .jpeg()
    .toBuffer();
  const uploaded = await send('POST', `/api/salons/${slug}/photos`, { token, form: photoForm(bytes) });
  expect(uploaded.status, uploaded.body.toString()).to.equal(201);
  const ask = async () => (await send('GET', `/api/photos/${uploaded.json().id}`)).json();
  const photo = await waitFor('the photo', ask, ({ state }) => state === 'ready');
  return { slug, urls: (photo.variants as { url: string }[]).map(({ url }) => url) };
}

/** All is well: status says so, nobody is told to come back, and every photo is there. */
export async function expectWell(urls: readonly string[]): Promise<void> {
  const status = await stack().make('status');
  expect(status.exitCode, status.stdout + status.stderr).to.equal(0);
  expect((await send('GET', '/api/salons?limit=1')).status).to.equal(200);
  for (const url of urls) expect((await send('GET', url)).status, url).to.equal(200);
}
