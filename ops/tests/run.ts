/**
 * Runs the suites one after the other and ends with `N passed, N failed, N skipped` over all of them.
 * usage: run.ts [unit|service|e2e ...]; without names every suite runs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

const SUITES: Record<string, { directory: string; spec: string[] }> = {
  unit: { directory: 'ops', spec: ['tests/!(e2e)/**/*.test.ts', 'tests/*.test.ts'] },
  service: { directory: 'service', spec: ['tests/**/*.test.ts'] },
  e2e: { directory: 'ops', spec: ['tests/e2e/**/*.test.ts'] },
};

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** One suite in its own mocha process. A suite that dies without counts is one failure. */
function runSuite(name: string): Counts {
  const suite = SUITES[name];
  if (!suite) throw new Error(`there is no suite "${name}"; there are: ${Object.keys(SUITES).join(', ')}`);
  const directory = mkdtempSync(path.join(tmpdir(), 'atlas-counts-'));
  const countsFile = path.join(directory, 'counts.json');
  console.log(`\n=== ${name}`);
  const child = spawnSync(
    path.join(root, 'node_modules/.bin/mocha'),
    [
      '--reporter',
      path.join(import.meta.dirname, 'count-reporter.cjs'),
      ...suite.spec.flatMap((one) => ['--spec', one]),
    ],
    {
      cwd: path.join(root, suite.directory),
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, TEST_COUNTS: countsFile },
    },
  );
  try {
    const counts = JSON.parse(readFileSync(countsFile, 'utf8')) as Counts;
    // A hook that fails after the last test leaves the counts clean and the exit code not.
    if (child.status !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } catch {
    console.error(
      `the suite "${name}" ended without a result (exit ${child.status}, signal ${child.signal})`,
    );
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const names = process.argv.slice(2);
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const name of names.length > 0 ? names : Object.keys(SUITES)) {
  const counts = runSuite(name);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
const skippedInCi = process.env.CI === 'true' && total.skipped > 0;
if (skippedInCi)
  console.log(
    `\nCI=true and ${total.skipped} tests were skipped: ${process.env.TEST_NO_ENGINE ?? 'see above'}`,
  );
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || skippedInCi || total.passed === 0 ? 1 : 0;
