import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { createSalon } from '../../src/db/salons.ts';
import { insertToken, newToken } from '../../src/db/tokens.ts';
import { backends, createDatabase, freePort, until } from '../backends/index.ts';
import { gradient, photoForm } from '../support/images.ts';
import { logged, type RoleProcess, ready, startRole } from '../support/process.ts';

const UPLOADS = 50;
const KILLS = 3;

/** Uploads one photo, as often as it takes until somebody has said 201. @returns its id */
async function upload(url: string, token: string, photo: Buffer): Promise<number> {
  const headers = { Authorization: `Bearer ${token}` };
  return until(
    'the upload is taken',
    async () => {
      const init = { method: 'POST', headers, body: photoForm(photo) };
      const answer = await fetch(`${url}/api/salons/killed/photos`, init);
      return answer.status === 201 && ((await answer.json()) as { id: number }).id;
    },
    60,
  );
}

describe('SIGKILL', function () {
  this.timeout(180_000);
  let db: Knex;
  let env: Record<string, string>;
  let roles: { api?: RoleProcess; worker?: RoleProcess };

  before(async () => {
    const database = await createDatabase();
    db = database.db;
    env = {
      ...{ DATABASE_URL: database.url, SESSION_SECRET: 'x'.repeat(32), RATE_LIMIT: '0' },
      REDIS_CACHE_URL: backends().redisCache.url,
      REDIS_QUEUE_URL: backends().redisQueue.url,
      UPLOADS_DIR: await mkdtemp(join(tmpdir(), 'atlas-killed-')),
    };
    roles = {};
  });
  after(async () => {
    for (const role of Object.values(roles)) role.child.kill('SIGKILL');
    await db.destroy();
    await backends().redisQueue.flush();
    await rm(env.UPLOADS_DIR ?? '', { recursive: true });
  });

  async function kill(name: 'api' | 'worker'): Promise<void> {
    roles[name]?.child.kill('SIGKILL');
    await roles[name]?.exit;
  }

  // What it guards: the file is safe before the row says so, and the row says what is owed whoever is killed.
  // Broken: a worker with skipStalledCheck; what the killed one had begun is then never ready.
  it('of api and worker in the middle of 50 uploads loses no photo that was answered 201', async () => {
    const [apiPort, workerPort] = [String(await freePort()), String(await freePort())];
    const url = `http://127.0.0.1:${apiPort}`;
    const start = async () => {
      roles.api = startRole(['api'], { ...env, PORT: apiPort });
      roles.worker = startRole(['worker'], { ...env, PORT: workerPort });
      await ready(url, roles.api);
    };
    const token = newToken();
    await insertToken(db, 'load', token);
    await createSalon(db, { name: 'Killed', city: 'Wien' });
    await start();
    const photo = await gradient(600, 400).jpeg().toBuffer();
    const taken: number[] = [];
    let left = UPLOADS;
    const client = async () => {
      while (left-- > 0) taken.push(await upload(url, token, photo));
    };
    const clients = Promise.all(Array.from({ length: 4 }, client));
    for (let n = 1; n <= KILLS; n++) {
      await until('so many are taken', () => taken.length >= (n * UPLOADS) / (KILLS + 1), 60);
      await Promise.all([kill('api'), kill('worker')]);
      await start();
    }
    await clients;
    expect(new Set(taken).size).to.equal(UPLOADS);
    const rows = await until(
      'every photo is ready',
      async () => {
        const photos = await db('photos').select('id', 'state', 'original_key', 'variants');
        return photos.every(({ state }) => state === 'ready') && photos;
      },
      120,
    );
    // Those without an answer may be there as well; each of them is whole, too.
    expect(rows.map(({ id }) => Number(id))).to.include.members(taken);
    for (const { original_key, variants } of rows) {
      expect(variants, 'of 320 and 600 pixels').to.have.lengthOf(2);
      const files = [
        `originals/${original_key}`,
        ...variants.map(({ key }: { key: string }) => `variants/${key}`),
      ];
      expect(files.filter((file) => !existsSync(join(env.UPLOADS_DIR ?? '', file)))).to.deep.equal([]);
    }
    for (const role of Object.values(roles)) role.child.kill('SIGTERM');
    expect(await roles.api?.exit).to.equal(0);
    expect(await roles.worker?.exit).to.equal(0);
    expect(logged(roles.api as RoleProcess, 'request failed')).to.deep.equal([]);
  });
});
