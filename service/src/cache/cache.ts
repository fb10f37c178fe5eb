import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { type Breaker, circuitBreaker } from './breaker.ts';

/** Texts that have been computed for one version of the data, kept for a short time. */
export interface Cache {
  /**
   * The text under `key`, computed by `compute` when it is not there, or when the cache is away. Of those who ask
   * this process at the same time one computes. undefined ("there is no such thing") is not kept.
   */
  read<T extends string | undefined>(
    key: string,
    compute: () => Promise<T>,
  ): Promise<Buffer | (T & undefined)>;

  /** Makes everything stored so far unreachable: the next read sees what was just written. Never rejects. */
  invalidate(): Promise<void>;
}

/** How a read ended; `away` is when Redis did not answer. */
export type ReadOutcome = 'hit' | 'miss' | 'away';

const TTL_SECONDS = 30;
/** Keys that were filled together must not all be missing together. */
const JITTER = 0.2;

/**
 * A read-through cache whose values carry the data's version: both come in one question. Invalidating replaces
 * the version, so a value computed from old rows while a write commits carries the old one, and nobody takes it.
 *
 * The version is random, not a counter: Redis may evict it, and a counter that starts again at 1 would bring
 * back old values. While Redis is away values are computed; a write that could not invalidate makes this
 * process skip the cache until it can, and other processes may serve what they have for TTL_SECONDS.
 */
export function redisCache(
  redis: Redis,
  namespace: string,
  onRead: (outcome: ReadOutcome) => void = () => {},
  breaker: Breaker = circuitBreaker(redis),
): Cache {
  const versionKey = `${namespace}:version`;
  const computing = new Map<string, Promise<Buffer | undefined>>();
  let owesInvalidation = false;

  async function setVersion(): Promise<void> {
    owesInvalidation = true;
    await redis.set(versionKey, randomUUID());
    owesInvalidation = false;
  }

  async function lookUp(at: string): Promise<{ version?: string; hit?: Buffer }> {
    try {
      return await breaker.ask(() => askFor(at));
    } catch {
      return {};
    }
  }

  async function askFor(at: string): Promise<{ version?: string; hit?: Buffer }> {
    if (owesInvalidation) await setVersion();
    const [known, stored] = await redis.mgetBuffer(versionKey, at);
    if (!known) {
      const fresh = randomUUID();
      return { version: (await redis.set(versionKey, fresh, 'NX', 'GET')) ?? fresh };
    }
    const version = known.toString();
    const isCurrent = stored?.subarray(0, known.length).equals(known);
    return isCurrent ? { version, hit: stored?.subarray(known.length) as Buffer } : { version };
  }

  async function fill(at: string, version: string | undefined, compute: () => Promise<string | undefined>) {
    const text = await compute();
    // What is not there is not worth a key, and a stranger could fill the cache with them.
    if (text === undefined) return undefined;
    const seconds = Math.round(TTL_SECONDS * (1 + JITTER * (Math.random() - 0.5)));
    if (version) breaker.ask(() => redis.set(at, version + text, 'EX', seconds)).catch(() => {});
    return Buffer.from(text);
  }

  return {
    async read<T extends string | undefined>(key: string, compute: () => Promise<T>) {
      const at = `${namespace}:${key}`;
      const { version, hit } = await lookUp(at);
      onRead(hit ? 'hit' : version ? 'miss' : 'away');
      if (hit) return hit;
      // By version: who asks after a write must not be given what was begun before it.
      const flight = `${version}:${at}`;
      const running = computing.get(flight);
      if (running) return running as Promise<Buffer | (T & undefined)>;
      const started = fill(at, version, compute).finally(() => computing.delete(flight));
      computing.set(flight, started);
      return started as Promise<Buffer | (T & undefined)>;
    },
    async invalidate() {
      // Without Redis there is no version to tell those who ask after this write from those before it.
      computing.clear();
      // Past the breaker: a guess that Redis is away must not leave others with what this write has changed.
      await setVersion().catch(() => {});
    },
  };
}
