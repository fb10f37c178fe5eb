import { type Container, isHealthy } from '../plan/containers.ts';
import { askPlainly } from './http.ts';

const METRICS_PORT = 9464;
const METRIC = /^atlas_queue_oldest_waiting_seconds\{queue="media"\} (\S+)$/m;

/** How long the oldest photo has waited in the queue, in seconds, as the api's metrics have it; null when none tells. */
export async function readQueueAge(
  project: string,
  containers: readonly Container[],
): Promise<number | null> {
  for (const api of containers.filter((one) => one.service === 'api' && isHealthy(one))) {
    const address = api.addresses[`${project}_data`];
    const answer = address ? await askPlainly(address, METRICS_PORT, '/metrics') : null;
    const seconds = Number(METRIC.exec(answer?.body ?? '')?.[1] ?? Number.NaN);
    if (Number.isFinite(seconds)) return seconds;
  }
  return null;
}
