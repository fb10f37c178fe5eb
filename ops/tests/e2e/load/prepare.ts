import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:https';
import type { Call } from './call.ts';
import { createSalonCall } from './calls.ts';
import { createAgent, exchange } from './http1.ts';

const LARGEST_LIMIT = 100;
const DOWNLOAD_CITY = 'Load download';
/** Of three bytes each: 100 salons with as many make an answer of 3 MB, the largest that the api gives. */
const DESCRIPTION_LETTERS = 10_000;

/** Creates a salon and returns its slug. @throws Error when the api does not */
export async function createSalon(port: number, token: string, name: string): Promise<string> {
  const agent = createAgent();
  const { slug } = await ask(
    agent,
    port,
    createSalonCall(token, { name: `${name} ${randomUUID()}`, city: 'Load' }),
  );
  agent.destroy();
  return String(slug);
}

/**
 * Sees to it that there are enough big salons, and returns the call that lists them.
 * @throws Error when the api does not answer as it should
 */
export async function prepareDownload(port: number, token: string): Promise<Call> {
  const agent = createAgent();
  const path = `/api/salons?limit=${LARGEST_LIMIT}&city=${encodeURIComponent(DOWNLOAD_CITY)}`;
  const headers = { authorization: `Bearer ${token}` };
  const list: Call = { method: 'GET', path, headers, expected: 200 };
  const { items } = await ask(agent, port, list);
  const description = '\u6c99'.repeat(DESCRIPTION_LETTERS);
  for (let n = (items as unknown[]).length; n < LARGEST_LIMIT; n += 1) {
    const salon = { name: `Big ${randomUUID()}`, city: DOWNLOAD_CITY, description };
    await ask(agent, port, createSalonCall(token, salon));
  }
  agent.destroy();
  return list;
}

async function ask(agent: Agent, port: number, call: Call): Promise<Record<string, unknown>> {
  const { failure, body } = await exchange(agent, port, call);
  if (failure) throw new Error(`before the load: ${call.method} ${call.path}: ${failure}`);
  return JSON.parse(body.toString('utf8'));
}
