import { createStack, removeStack, type Stack } from './create-stack.ts';

let current: Stack | undefined;

/** The stack that the root hook deployed. */
export function stack(): Stack {
  if (!current) throw new Error('no stack was deployed');
  return current;
}

before(async function () {
  if (process.env.TEST_NO_ENGINE) return this.skip();
  this.timeout(20 * 60_000);
  current = await createStack('atlas-e2e');
  const started = Date.now();
  const outcome = await current.make('deploy');
  if (outcome.exitCode !== 0) throw new Error(`make deploy failed:\n${outcome.stdout}\n${outcome.stderr}`);
  console.log(`      make deploy in a clean clone: ${((Date.now() - started) / 1000).toFixed(1)} s`);
});

after(async function () {
  this.timeout(120_000);
  if (current) await removeStack(current);
});
