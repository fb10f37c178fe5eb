import { closeWorld, openWorld } from './world.ts';

before(async function () {
  if (process.env.TEST_NO_ENGINE) return this.skip();
  this.timeout(20 * 60_000);
  await openWorld();
});

after(async function () {
  this.timeout(120_000);
  await closeWorld();
});
