/**
 * Runs the suites and ends with `N passed, N failed, N skipped` over all of them.
 * usage: run.ts [unit|service|e2e|vps ...]; without names all of them (e2e has vps in it).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { removeLeftovers } from './e2e/leftovers.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Files that one mocha runs, one after the other. */
interface Run {
  directory: 'ops' | 'service';
  spec: string[];
}

const zeroLoss = 'tests/e2e/zero-loss';
const e2e = (...spec: string[]): Run => ({ directory: 'ops', spec });

// Whole servers, in containers, from bare on. In this order the first one serves for the second file too.
const vps = e2e(
  ...['fixture', 'provision.test', 'gate.test', 'bookworm.test'].map((one) => `tests/vps/${one}.ts`),
);

/**
 * Phases come one after the other; the lanes of each run at the same time, because most of what they do is wait. A lane is
 * runs of mocha, one after the other.
 */
const SUITES: Record<string, Run[][][]> = {
  unit: [[[{ directory: 'ops', spec: ['tests/!(e2e|vps)/**/*.test.ts', 'tests/*.test.ts'] }]]],
  service: [[[{ directory: 'service', spec: ['tests/**/*.test.ts'] }]]],
  // A third lane takes more than two cores have, and what is lost then tells nothing.
  e2e: [
    [
      [e2e(`${zeroLoss}/!(engine-restart).test.ts`, 'tests/e2e/@(offsite|restore-at|wal)/**/*.test.ts')],
      [
        e2e('tests/e2e/!(directory).test.ts', 'tests/e2e/!(offsite|restore-at|wal|zero-loss)/**/*.test.ts'),
        vps,
      ],
    ],
    // A browser takes each container that comes or goes for another network, and gives up what it is loading.
    // The other one restarts the engine that everybody else is on.
    [[e2e('tests/e2e/directory.test.ts', `${zeroLoss}/engine-restart.test.ts`)]],
  ],
  // A part of e2e, by itself.
  vps: [[[vps]]],
};
const NEEDS_ENGINE = new Set(['e2e', 'vps']);
const USUAL = ['unit', 'service', 'e2e'];

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, a line each. */
  broken: string[];
}

async function runSuite(name: string): Promise<Counts[]> {
  const phases = SUITES[name];
  if (!phases) throw new Error(`there is no suite "${name}"; there are: ${Object.keys(SUITES).join(', ')}`);
  const counts: Counts[] = [];
  for (const lanes of phases) {
    console.log(`\n=== ${name}${lanes.length > 1 ? `, ${lanes.length} lanes at the same time` : ''}`);
    const ends = lanes.map((runs, lane) => runLane(runs, lane > 0));
    counts.push(...(await Promise.all(ends)).flat());
  }
  return counts;
}

async function runLane(runs: readonly Run[], isHeldBack: boolean): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const run of runs) counts.push(await runMocha(run, isHeldBack));
  return counts;
}

/** How long a mocha that has counted may take to end: what is open then was left behind by a test. */
const END_SECONDS = 60;
/** What lanes that are held back have written so far: told, too, when somebody ends us before they end. */
const heldBack = new Set<Buffer[]>();
const running = new Set<ChildProcess>();

process.on('SIGTERM', () => {
  for (const child of running) child.kill('SIGTERM');
  for (const written of heldBack) process.stdout.write(Buffer.concat(written));
  console.error('\nSIGTERM: the tests were cut short');
  process.exit(1);
});

/**
 * Runs some files in a mocha process of its own, which deploys its own stack when it needs one. One that dies
 * without counts, or does not end after them, is one failure.
 * @param isHeldBack prints what it wrote when it ends, not among the lines of another lane
 */
async function runMocha({ directory, spec }: Run, isHeldBack: boolean): Promise<Counts> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'atlas-counts-'));
  const countsFile = path.join(scratch, 'counts.json');
  const reporter = ['--reporter', path.join(import.meta.dirname, 'count-reporter.cjs')];
  const output = isHeldBack ? 'pipe' : 'inherit';
  const begun = Date.now();
  const child = spawn(
    path.join(root, 'node_modules/.bin/mocha'),
    [...reporter, ...spec.flatMap((one) => ['--spec', one])],
    {
      cwd: path.join(root, directory),
      stdio: ['ignore', output, output],
      env: { ...process.env, TEST_COUNTS: countsFile },
    },
  );
  const written: Buffer[] = [];
  heldBack.add(written);
  running.add(child);
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => written.push(chunk));
  const closed = once(child, 'close');
  const hung = killWhenHung(child, countsFile);
  const [status, signal] = await once(child, 'exit');
  clearInterval(hung);
  // Whatever a test left behind may hold the pipe for ever.
  await Promise.race([closed, setTimeout(2000, undefined, { ref: false })]);
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  running.delete(child);
  heldBack.delete(written);
  process.stdout.write(Buffer.concat(written));
  console.log(`(${Math.round((Date.now() - begun) / 1000)} s: ${spec.join(' ')})`);
  try {
    const counts = JSON.parse(readFileSync(countsFile, 'utf8')) as Counts;
    // A hook that fails after the last test leaves the counts clean and the exit code not.
    if (status !== 0 && counts.failed === 0) {
      counts.failed = 1;
      counts.broken.push(`${spec.join(' ')}: exit ${status}, signal ${signal} after the last test`);
    }
    return counts;
  } catch {
    const broken = `${spec.join(' ')} ended without a result (exit ${status}, signal ${signal})`;
    console.error(broken);
    return { passed: 0, failed: 1, skipped: 0, broken: [broken] };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function killWhenHung(child: ChildProcess, countsFile: string): NodeJS.Timeout {
  return setInterval(() => {
    const since = statSync(countsFile, { throwIfNoEntry: false })?.mtimeMs;
    if (!since || Date.now() - since < END_SECONDS * 1000) return;
    console.error(`mocha did not end ${END_SECONDS} s after its last test: a test left something behind`);
    child.kill('SIGKILL');
  }, 5000);
}

const names = process.argv.length > 2 ? process.argv.slice(2) : USUAL;
// First of all: it takes the processor from every suite.
if (!process.env.TEST_NO_ENGINE && names.some((name) => NEEDS_ENGINE.has(name))) {
  const left = await removeLeftovers();
  if (left.length > 0) console.log(`removed what a run that was killed left behind: ${left.join(', ')}`);
}
const total: Counts = { passed: 0, failed: 0, skipped: 0, broken: [] };
for (const name of names) {
  for (const counts of await runSuite(name)) {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    total.broken.push(...counts.broken);
  }
}
// Last of all: whoever sees only the end of a log sees what broke.
for (const line of total.broken) console.log(`failed: ${line}`);
const skippedInCi = process.env.CI === 'true' && total.skipped > 0;
if (skippedInCi)
  console.log(
    `\nCI=true and ${total.skipped} tests were skipped: ${process.env.TEST_NO_ENGINE ?? 'see above'}`,
  );
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || skippedInCi || total.passed === 0 ? 1 : 0;
