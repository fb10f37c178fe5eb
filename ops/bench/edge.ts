import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { execa } from 'execa';
import type { Stack } from '../tests/e2e/create-stack.ts';
import { median } from '../tests/e2e/load/load.ts';
import { fetchPhotograph } from '../tests/e2e/photo.ts';
import { runWrk } from './wrk.ts';

const ROUNDS = 3;
const SALONS = 20;
const BODY_BYTES = 5_000_000;
const UPLOAD_BYTES = 20_000_000;
const UPLOADS = 5;
/** nginx for the bare Koa: the same process, the same TLS, the same proxying. */
const BARE_PORT = 8445;

/** The least that Koa can do: a word, 5 MB of JSON, and a body that is read and forgotten. */
const BARE_KOA = `
const Koa = require('koa');
const app = new Koa();
const large = Buffer.from('"' + 'b'.repeat(${BODY_BYTES} - 2) + '"');
app.use(async (ctx) => {
  if (ctx.method === 'POST') for await (const chunk of ctx.req) void chunk;
  ctx.type = 'json';
  ctx.body = ctx.path === '/large' ? large : '"hello"';
});
app.listen(3000);
`;

const bareServer = (name: string) => `
upstream bare {
  server ${name}:3000;
  keepalive 32;
  keepalive_timeout 60s;
}
server {
  listen ${BARE_PORT} ssl;
  server_name ~.;
  include snippets/tls.conf;
  client_max_body_size 30m;
  location / {
    include snippets/proxy.conf;
    proxy_pass http://bare;
  }
}
`;

interface Edge {
  /** nginx's own address: docker's proxy of the published port is not what is measured. */
  host: string;
  token: string;
  slug: string;
  remove: () => Promise<void>;
}

/** What the edge gives of what nginx alone gives, in one run over TLS on a real stack. */
export async function measureEdge(stack: Stack, environment: Record<string, string>): Promise<string[][]> {
  const edge = await prepare(stack, environment);
  try {
    return [...(await measureRequests(edge)), [''], ...(await measureMegabytes(edge))];
  } finally {
    await edge.remove();
  }
}

async function prepare(stack: Stack, env: Record<string, string>): Promise<Edge> {
  const { project, directory } = stack;
  const docker = async (...args: string[]) => (await execa('docker', args, { env })).stdout.trim();
  const name = `${project}-bare`;
  const { IMAGE_NAME, IMAGE_TAG } = stack.settings();
  await docker(
    ...['run', '--detach', '--name', name, '--network', `${project}_web`, '--label', 'atlas.bench=bare'],
    // The image has the service in one file, without Koa as a package of its own.
    ...['--volume', `${path.resolve(import.meta.dirname, '../../node_modules')}:/app/node_modules:ro`],
    ...['--entrypoint', 'node', `${IMAGE_NAME}:${IMAGE_TAG}`, '--input-type=commonjs', '--eval', BARE_KOA],
  );
  writeFileSync(path.join(directory, 'nginx/conf.d/bench.conf'), bareServer(name));
  stack.set({ RATE_LIMIT: '0' }); // the whole load comes from one address
  const deployed = await stack.make('deploy');
  if (deployed.exitCode !== 0) throw new Error(deployed.stderr);
  const format = `{{(index .NetworkSettings.Networks "${project}_web").IPAddress}}`;
  const host = await docker('inspect', `${project}-nginx-1`, '--format', format);
  const token = (await stack.make('token', { NAME: 'bench' })).stdout.trim().split('\n').at(-1) ?? '';
  const slugs: string[] = [];
  for (let n = 0; n < SALONS; n += 1) {
    const salon = { name: `Salon ${n}`, city: 'Bench', description: 'd'.repeat(200), published: true };
    slugs.push(JSON.parse((await post(host, 443, '/api/salons', token, JSON.stringify(salon))).body).slug);
  }
  const list = await execa('curl', ['-sk', '--fail', `https://${host}/api/salons?city=Bench`]);
  const media = path.join(directory, 'uploads/variants');
  mkdirSync(media, { recursive: true });
  writeFileSync(path.join(media, 'bench.json'), list.stdout, { mode: 0o644 });
  writeFileSync(path.join(media, 'bench-large.json'), `"${'b'.repeat(BODY_BYTES - 2)}"`, { mode: 0o644 });
  return {
    ...{ host, token, slug: slugs[0] ?? '' },
    remove: async () => {
      // Or nginx refuses its configuration from now on, for whatever is measured next.
      rmSync(path.join(directory, 'nginx/conf.d/bench.conf'));
      await stack.make('deploy');
      await docker('rm', '--force', name);
    },
  };
}

async function measureRequests({ host }: Edge): Promise<string[][]> {
  const list = `https://${host}/api/salons?city=Bench`;
  const cases: Record<string, () => ReturnType<typeof runWrk>> = {
    static: () => runWrk(`https://${host}/media/bench.json`),
    hit: () => runWrk(list),
    bare: () => runWrk(`https://${host}:${BARE_PORT}/`),
    uncached: () => runWrk(list, { headers: { cookie: 'bench=1' } }),
  };
  const rates: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, measure] of Object.entries(cases)) {
      process.stderr.write(`edge, ${name}, round ${round + 1} of ${ROUNDS} …\n`);
      rates[name] = [...(rates[name] ?? []), (await measure()).requestsPerSecond];
    }
  const rate = (name: string) => median(rates[name] ?? []);
  const row = (what: string, name: string, against: string, goal: string) => [
    ...[what, `${rate(name).toFixed(0)}/s`, (rate(name) / rate(against)).toFixed(2), goal],
  ];
  return [
    [`REQUESTS OVER TLS, MEDIAN OF ${ROUNDS}`, 'MEASURED', 'RATIO', 'GOAL'],
    row('static file of the same bytes', 'static', 'static', '-'),
    row('the list from the micro-cache', 'hit', 'static', '>= 0.9 of static'),
    row('bare Koa hello', 'bare', 'bare', '-'),
    row(
      'the list from the service and its Redis, past the micro-cache',
      'uncached',
      'bare',
      '>= 0.6 of bare Koa',
    ),
  ];
}

async function measureMegabytes({ host, token, slug }: Edge): Promise<string[][]> {
  const { bytes } = await fetchPhotograph();
  // What follows a JPEG's end is no part of it: a real photo of exactly the wanted size.
  const photo = Buffer.concat([bytes, Buffer.alloc(Math.max(0, UPLOAD_BYTES - bytes.length))]);
  const form = multipart(photo);
  const upload = async (port: number, target: string) => {
    const rates: number[] = [];
    for (let n = 0; n < UPLOADS; n += 1) {
      const started = performance.now();
      await post(host, port, target, token, form.body, form.type);
      rates.push(form.body.length / 1000 / (performance.now() - started));
    }
    return median(rates);
  };
  const read = async (url: string) => (await runWrk(url, { connections: 4, seconds: 6 })).megabytesPerSecond;
  const readLimit = await read(`https://${host}/media/bench-large.json`);
  const readProxied = await read(`https://${host}:${BARE_PORT}/large`);
  const sendLimit = await upload(BARE_PORT, '/sink');
  const sendReal = await upload(443, `/api/salons/${slug}/photos`);
  const row = (what: string, value: number, limit: number) => [
    ...[what, `${value.toFixed(0)} MB/s`, (value / limit).toFixed(2), '-'],
  ];
  return [
    ['LARGE BODIES OVER TLS', 'MEASURED', 'RATIO', 'GOAL'],
    row('5 MB file, nginx alone', readLimit, readLimit),
    row('5 MB of JSON, proxied', readProxied, readLimit),
    row('20 MB upload, proxied and forgotten', sendLimit, sendLimit),
    row('20 MB photo, uploaded, stored and answered', sendReal, sendLimit),
  ];
}

function multipart(photo: Buffer): { body: Buffer; type: string } {
  const boundary = randomBytes(12).toString('hex');
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="photo"; filename="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), photo, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

/** @throws Error for anything but 2xx */
function post(
  host: string,
  port: number,
  target: string,
  token: string,
  body: string | Buffer,
  type = 'application/json',
): Promise<{ body: string }> {
  const headers = {
    ...{ host: 'localhost', authorization: `Bearer ${token}`, 'content-type': type },
    'content-length': String(Buffer.byteLength(body)),
  };
  return new Promise((resolve, reject) => {
    const call = request({ host, port, path: target, method: 'POST', agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => {
        if (Math.floor((answer.statusCode ?? 0) / 100) === 2) resolve({ body: text });
        else reject(new Error(`${target}: HTTP ${answer.statusCode}: ${text}`));
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}
