import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

/** What has been computed for one version of the data, kept for a short time. */
export interface Cache {
  /** The value under `key`, computed by `compute` when it is not there, or when the cache is away. */
  read<T>(key: string, compute: () => Promise<T>): Promise<T>;

  /** Makes everything stored so far unreachable: the next read sees what was just written. Never rejects. */
  invalidate(): Promise<void>;
}

const TTL_SECONDS = 30;

/**
 * A read-through cache whose keys carry the data's version. Invalidating replaces the version, so a value
 * computed from old rows while a write commits lands under the old version, where nobody looks.
 *
 * The version is random, not a counter: Redis may evict it, and a counter that starts again at 1 would bring
 * back old values. While Redis is away values are computed; a write that could not invalidate makes this
 * process skip the cache until it can, and other processes may serve what they have for TTL_SECONDS.
 */
export function redisCache(redis: Redis, namespace: string): Cache {
  const versionKey = `${namespace}:version`;
  let owesInvalidation = false;

  async function invalidate(): Promise<void> {
    owesInvalidation = true;
    await redis.set(versionKey, randomUUID());
    owesInvalidation = false;
  }

  async function version(): Promise<string> {
    if (owesInvalidation) await invalidate();
    const known = await redis.get(versionKey);
    if (known) return known;
    const fresh = randomUUID();
    return (await redis.set(versionKey, fresh, 'NX', 'GET')) ?? fresh;
  }

  async function lookUp(key: string): Promise<{ at?: string; hit?: string | null }> {
    try {
      const at = `${namespace}:${await version()}:${key}`;
      return { at, hit: await redis.get(at) };
    } catch {
      return {};
    }
  }

  return {
    async read<T>(key: string, compute: () => Promise<T>): Promise<T> {
      const { at, hit } = await lookUp(key);
      if (hit) return JSON.parse(hit) as T;
      const value = await compute();
      // undefined stands for "no such row": not worth a key, and a stranger could fill the cache with them.
      if (at && value !== undefined) redis.set(at, JSON.stringify(value), 'EX', TTL_SECONDS).catch(() => {});
      return value;
    },
    invalidate: () => invalidate().catch(() => {}),
  };
}
