import { startBackends, stopBackends } from './backends/index.ts';

/** The run's own PostgreSQL and two Redis, started once; nothing outside is read or needed. */
export const mochaGlobalSetup = startBackends;
export const mochaGlobalTeardown = stopBackends;
