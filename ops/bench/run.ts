/**
 * `make bench [PART=stack|edge|releases|backups|wal|recovery]`: prints what a deploy, a start, a look, a request and a switch of releases cost on
 * this machine. Results go to stdout.
 */

import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { execa } from 'execa';
import { SERVICES } from '../src/plan/containers.ts';
import { formatTable } from '../src/report/table.ts';
import { createStack, removeStack, type Stack } from '../tests/e2e/create-stack.ts';
import { median } from '../tests/e2e/load/load.ts';
import { measureBackups } from './backups.ts';
import { measureEdge } from './edge.ts';
import { startEmptyEngine } from './empty-engine.ts';
import { measureRecovery } from './recovery.ts';
import { measureReleases } from './releases.ts';
import { measureWal } from './wal.ts';

/** Seconds of an action that must succeed. */
async function time(
  what: string,
  action: () => Promise<{ exitCode: number; stderr: string }>,
): Promise<number> {
  process.stderr.write(`${what} …\n`);
  const started = performance.now();
  const outcome = await action();
  if (outcome.exitCode !== 0) throw new Error(`${what} failed:\n${outcome.stderr}`);
  return (performance.now() - started) / 1000;
}

async function repeat(count: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let round = 0; round < count; round += 1) values.push(await measure());
  return median(values);
}

const isReady = (address: string) =>
  new Promise<boolean>((resolve) => {
    const call = request({ host: address, port: 3000, path: '/readyz', timeout: 1000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    call.once('error', () => resolve(false));
    call.end();
  });

/** Seconds from the engine starting the api's process to its first 200 on /readyz, asked directly. */
async function bootSeconds(stack: Stack, environment: Record<string, string>): Promise<number> {
  const inspect = async (format: string) =>
    (await execa('docker', ['inspect', '--format', format, `${stack.project}-api-1`], { env: environment }))
      .stdout;
  const network = `{{(index .NetworkSettings.Networks "${stack.project}_data").IPAddress}}`;
  await execa('docker', ['restart', `${stack.project}-api-1`], { env: environment });
  const startedAt = Date.parse(await inspect('{{.State.StartedAt}}'));
  const address = await inspect(network);
  for (;;) {
    if (await isReady(address)) return (Date.now() - startedAt) / 1000;
    if (Date.now() - startedAt > 60_000) throw new Error('the api is not ready after 60 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Megabytes that each container uses, counted as `docker stats` does: all of its control group less the
 * page cache that the kernel would give back first. Read from the kernel, because a second engine's own
 * statistics stay empty on some hosts.
 */
async function memory(stack: Stack, environment: Record<string, string>): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  for (const service of SERVICES) {
    const { stdout } = await execa(
      'docker',
      ['inspect', '--format', '{{.State.Pid}}', `${stack.project}-${service}-1`],
      {
        env: environment,
      },
    );
    if (stdout !== '0') used.set(service, readGroupBytes(`/proc/${stdout}/root/sys/fs/cgroup`) / 1e6);
  }
  return used;
}

function readGroupBytes(group: string): number {
  const isUnified = existsSync(`${group}/memory.current`);
  const usage = readFileSync(
    isUnified ? `${group}/memory.current` : `${group}/memory/memory.usage_in_bytes`,
    'utf8',
  );
  const statistics = readFileSync(isUnified ? `${group}/memory.stat` : `${group}/memory/memory.stat`, 'utf8');
  // Version 1 lists the container's own pages too; the total is the one that counts.
  const name = isUnified ? 'inactive_file' : 'total_inactive_file';
  const [, inactive] = new RegExp(`^${name} (\\d+)$`, 'm').exec(statistics) ?? [];
  return Number(usage) - Number(inactive ?? 0);
}

async function measure(stack: Stack, environment: Record<string, string>): Promise<string[][]> {
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  const cold = await time('cold make deploy', () => stack.make('deploy'));
  const warm = await repeat(3, () => time('warm make deploy', () => stack.make('deploy')));
  const status = await repeat(5, () => time('make status', () => stack.make('status')));
  const boot = await repeat(5, () => bootSeconds(stack, environment));
  // An idle minute: start-up garbage is collected and connections have settled.
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  const used = await memory(stack, environment);
  const total = [...used.values()].reduce((sum, value) => sum + value, 0);
  return [
    ['WHAT', 'MEASURED', 'GOAL'],
    ['cold make deploy, from an engine with no images', seconds(cold), '-'],
    ['warm make deploy, nothing changed (median of 3)', seconds(warm), '< 5 s'],
    ['make status (median of 5)', seconds(status), '< 1.5 s'],
    ['api, process start to ready (median of 5)', seconds(boot), '< 1.5 s'],
    ['idle memory of all containers', `${total.toFixed(0)} MB`, '< 400 MB'],
    ...[...used].map(([service, value]) => [`  ${service}`, `${value.toFixed(0)} MB`, '']),
  ];
}

const engine = await startEmptyEngine();
const environment = { DOCKER_HOST: engine.host };
const stack = await createStack('atlas-bench', environment);
const parts: Record<string, () => Promise<string[][]>> = {
  stack: () => measure(stack, environment),
  edge: () => measureEdge(stack, environment),
  releases: () => measureReleases(stack, environment),
  backups: () => measureBackups(stack, environment),
  wal: () => measureWal(stack, environment),
  recovery: () => measureRecovery(stack, environment),
};
const wanted = process.argv.slice(2);
try {
  // Only the first part deploys by itself.
  if (wanted.length > 0 && !wanted.includes('stack')) await time('make deploy', () => stack.make('deploy'));
  for (const [name, part] of Object.entries(parts))
    if (wanted.length === 0 || wanted.includes(name))
      process.stdout.write(`${formatTable(await part())}\n\n`);
} finally {
  await removeStack(stack);
  await engine.stop();
}
