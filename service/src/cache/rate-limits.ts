import type { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { type Breaker, circuitBreaker } from './breaker.ts';

/** Requests are counted in windows of this many seconds: a burst within one is nobody's business. */
const WINDOW_SECONDS = 10;
/** Tokens that are none of ours, per address and minute. Nobody types tokens; a program may be misconfigured. */
const WRONG_TOKENS_PER_MINUTE = 30;

/** Counts requests for all containers of the api together. Answers are seconds to wait; 0 means: go on. */
export interface RateLimits {
  /** One request with this token. */
  takeToken(id: number): Promise<number>;
  /** One request without a token from this group of addresses. */
  takeAddress(group: string): Promise<number>;
  /** One request with a token that is none of ours. */
  takeWrongToken(group: string): Promise<number>;
  /** Whether that group has sent too many of those; counts nothing. */
  wrongTokenWait(group: string): Promise<number>;
}

/**
 * Limits of `perSecond` requests in the long run, kept in redis_cache. They fail open: what cannot be counted
 * within the connection's bound (200 ms) goes on, because a limit must not be a way to take the site down. Nor is it
 * waited for again while the breaker is open.
 */
export function redisRateLimits(
  redis: Redis,
  namespace: string,
  perSecond: number,
  breaker: Breaker = circuitBreaker(redis),
): RateLimits {
  const limiter = (what: string, points: number, duration: number) =>
    new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `${namespace}:${what}`,
      points,
      duration,
      rejectIfRedisNotReady: true,
    });
  const tokens = limiter('token', perSecond * WINDOW_SECONDS, WINDOW_SECONDS);
  const addresses = limiter('address', perSecond * WINDOW_SECONDS, WINDOW_SECONDS);
  const wrong = limiter('wrong-token', WRONG_TOKENS_PER_MINUTE, 60);

  return {
    takeToken: (id) => take(breaker, tokens, String(id)),
    takeAddress: (group) => take(breaker, addresses, group),
    takeWrongToken: (group) => take(breaker, wrong, group),
    async wrongTokenWait(group) {
      const state = await breaker.ask(() => wrong.get(group)).catch(() => null);
      return state && state.consumedPoints >= WRONG_TOKENS_PER_MINUTE ? seconds(state) : 0;
    },
  };
}

async function take(breaker: Breaker, limiter: RateLimiterRedis, key: string): Promise<number> {
  try {
    await breaker.ask(() => limiter.consume(key));
    return 0;
  } catch (refusal) {
    return refusal instanceof RateLimiterRes ? seconds(refusal) : 0;
  }
}

function seconds({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000));
}
