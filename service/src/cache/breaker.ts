import type { Redis } from 'ioredis';

const PROBE_EVERY_MS = 500;

/** Redis is known not to answer; nothing was asked of it. */
export class RedisAwayError extends Error {
  override name = 'RedisAwayError';
}

/** Asks Redis unless it is known to be away. */
export interface Breaker {
  /** @throws {RedisAwayError} at once while Redis is away; whatever the command throws otherwise. */
  ask<T>(command: () => Promise<T>): Promise<T>;
}

// Always the same one: thousands a second would be made only to be dropped, and the stack says nothing.
const away = new RedisAwayError('redis_cache does not answer');

/**
 * A circuit breaker in front of a connection. One command that fails opens it: from then on nobody waits for a Redis
 * that takes commands and never answers, or pays for the error of one that is gone. A PING of its own, never a
 * request, finds out when Redis is back. https://martinfowler.com/bliki/CircuitBreaker.html
 *
 * One command is enough because a wrong guess is cheap: the first PING goes out at once.
 */
export function circuitBreaker(redis: Redis): Breaker {
  let isOpen = false;

  function open(): void {
    if (isOpen) return;
    isOpen = true;
    probe();
  }

  function probe(): void {
    redis.ping().then(
      () => {
        isOpen = false;
      },
      () => {
        // Not kept alive by it: a process that ends does not care.
        if (redis.status !== 'end') setTimeout(probe, PROBE_EVERY_MS).unref();
        else isOpen = false;
      },
    );
  }

  return {
    async ask(command) {
      if (isOpen || redis.status !== 'ready') throw away;
      try {
        return await command();
      } catch (error) {
        // An answer, if not the one that was hoped for.
        if (!(error instanceof Error) || error.name === 'ReplyError') throw error;
        open();
        throw error;
      }
    },
  };
}
