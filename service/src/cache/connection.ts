import { Redis } from 'ioredis';

/**
 * Opens the cache's connection. A command fails at once while Redis is away and after 200 ms when it
 * hangs: the cache may cost a request that much, never its answer.
 */
export function openCacheRedis(url: string): Redis {
  return new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 200,
    connectTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
  });
}
