import { request } from 'node:https';
import { expect } from 'chai';
import sharp from 'sharp';
import { photoForm, send, waitFor } from '../client.ts';
import { buildRelease } from '../releases/build.ts';
import { stack } from '../stack.ts';
import { mustMake, servedRelease } from './under-load.ts';

const PHOTOS = 16;

let token = '';
let slug = '';

/** Noise compresses badly: making its variants takes a worker a while. */
async function noisyPhoto(): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const create = { width: 2400, height: 1800, channels: 3, background: 'black', noise } as const;
  return sharp({ create }).jpeg({ quality: 90 }).toBuffer();
}

/** How often each media job was completed, from BullMQ's own stream of events. */
async function completions(): Promise<Map<string, number>> {
  const { project, sh } = stack();
  const redis = ['redis-cli', '-p', '6380', '--json', 'xrange', 'bull:media:events', '-', '+'];
  const { stdout } = await sh('docker', 'exec', `${project}-redis_queue-1`, ...redis);
  const counts = new Map<string, number>();
  for (const [, fields] of JSON.parse(stdout) as [string, string[]][]) {
    const event = Object.fromEntries(
      fields.flatMap((name, at) => (at % 2 ? [] : [[name, fields[at + 1] ?? '']])),
    );
    if (event.event === 'completed') counts.set(event.jobId ?? '', (counts.get(event.jobId ?? '') ?? 0) + 1);
  }
  return counts;
}

/** An upload that never ends: a byte a second, as nginx gives up who sends nothing at all. @returns how it was answered */
function startEndlessUpload(): { outcome: Promise<string>; cancel: () => void } {
  const call = request({
    ...{ host: 'localhost', port: stack().httpsPort, method: 'POST', rejectUnauthorized: false },
    path: `/api/salons/${slug}/photos`,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'multipart/form-data; boundary=x',
      'content-length': '1000000',
    },
  });
  call.write('--x\r\ncontent-disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\nbytes');
  const dawdle = setInterval(() => call.write('a'), 1000);
  call.once('close', () => clearInterval(dawdle));
  const outcome = new Promise<string>((resolve) => {
    call.once('response', (answer) => resolve(`HTTP ${answer.statusCode}`));
    call.once('error', (error) => resolve(error.message));
  });
  return { outcome, cancel: () => call.destroy() };
}

describe('work in flight across a deploy', function () {
  this.timeout(600_000);

  before(async () => {
    for (const tag of ['v1.9.0', 'v1.9.1']) await buildRelease(stack(), tag);
    token = (await mustMake('token', { NAME: 'flight' })).stdout.trim();
    const made = await send('POST', '/api/salons', { token, json: { name: 'In flight', city: 'Test' } });
    slug = String(made.json().slug);
  });

  it('jobs: none is lost, none is completed twice', async () => {
    const bytes = await noisyPhoto();
    const ids: number[] = [];
    for (let n = 0; n < PHOTOS; n += 1) {
      const answer = await send('POST', `/api/salons/${slug}/photos`, { token, form: photoForm(bytes) });
      expect(answer.status).to.equal(201);
      ids.push(Number(answer.json().id));
    }
    const { stderr } = await mustMake('deploy', { TAG: 'v1.9.0' });
    const state = async (id: number) => (await send('GET', `/api/photos/${id}`, { token })).json().state;
    for (const id of ids)
      await waitFor(
        `photo ${id}`,
        () => state(id),
        (now) => now === 'ready',
        120,
      );
    const counts = await completions();
    for (const id of ids) expect(counts.get(`photo-${id}-v1`), `job of photo ${id}`).to.equal(1);
    expect(stderr).to.not.contain('cut in the old worker');
  });

  it('a request that outlasts DRAIN_SECONDS: waited for so long, then cut, and the deploy says which', async () => {
    const upload = startEndlessUpload();
    try {
      // Until the api has it: before that there is nothing to wait for.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { stderr } = await stack().make(
        'deploy',
        { TAG: 'v1.9.1' },
        { DRAIN_SECONDS: '18', STOP_SECONDS: '3' },
      );
      expect(stderr).to.match(
        /drain: \d workers? of nginx still ha\w+ requests after 18 s \(DRAIN_SECONDS\)/,
      );
      expect(stderr).to.match(/cut in the old api: POST \/api\/salons\/[^ ]+\/photos after \d\d s/);
      expect(await servedRelease()).to.equal('v1.9.1');
    } finally {
      upload.cancel();
      await upload.outcome;
      await mustMake('deploy', { TAG: 'v1.9.1' });
    }
  });
});
