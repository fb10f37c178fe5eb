import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What a process counts of itself, for Prometheus: https://prometheus.io/docs/practices/naming/ */
export interface Metrics {
  registry: Registry;
  /** Seconds from a request's headers to the end of its answer. */
  requests: Histogram<'method' | 'route' | 'status'>;
  /** How reads of the cache ended. */
  cacheReads: Counter<'outcome'>;
}

// From a cached answer to a large upload.
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Node's own figures, the release, and what the process has to count. */
export function createMetrics(role: string, release: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    ...{
      name: 'atlas_release_info',
      help: 'Which release this is',
      labelNames: ['role', 'release'],
      registers,
    },
  }).set({ role, release }, 1);
  return {
    registry,
    requests: new Histogram({
      ...{ name: 'atlas_http_request_duration_seconds', help: 'Requests, to the end of the answer' },
      ...{ labelNames: ['method', 'route', 'status'], buckets: BUCKETS, registers },
    }),
    cacheReads: new Counter({
      ...{
        name: 'atlas_cache_reads_total',
        help: 'Reads of the cache: hit, miss, or away when it did not answer',
      },
      ...{ labelNames: ['outcome'], registers },
    }),
  };
}
