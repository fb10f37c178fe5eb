/** One container as the engine describes it. */
export interface Container {
  name: string;
  service: string;
  /** Compose's own, from 1; a replacement started beside another has a higher one. */
  number: number;
  configHash: string;
  image: string;
  imageId: string;
  /** created, running, restarting, exited, … */
  status: string;
  /** starting, healthy, unhealthy; null for a container without a health check. */
  health: string | null;
  exitCode: number;
  restarts: number;
  /** ISO 8601. */
  startedAt: string;
  /** IPv4 by network. */
  addresses: Record<string, string>;
}

/** What compose calls the only container of a service that is never started beside itself. */
export const containerName = (project: string, service: string) => `${project}-${service}-1`;

/** Services that run once and end; for them a zero exit code is health. */
export const ONE_SHOT = 'migrate';

/** The nine services of the topology. */
export const SERVICES = [
  'nginx',
  'certbot',
  'api',
  'worker',
  'migrate',
  'postgres',
  'wal',
  'redis_cache',
  'redis_queue',
] as const;

/** Whether a container is in the state a good release leaves it in. */
export function isHealthy(container: Container): boolean {
  if (container.service === ONE_SHOT) return container.status === 'exited' && container.exitCode === 0;
  return container.status === 'running' && (container.health === null || container.health === 'healthy');
}

/** A container's state in one word or two, as `make status` shows it. */
export function describeState(container: Container): string {
  if (container.service === ONE_SHOT)
    return container.status === 'exited' && container.exitCode === 0
      ? 'done'
      : `${container.status} (${container.exitCode})`;
  if (container.status !== 'running') return container.status;
  return container.health ?? 'running';
}

/** Services of the topology that have no container in a good state. */
export function findUnhealthy(containers: readonly Container[]): string[] {
  return SERVICES.filter((service) => !containers.some((one) => one.service === service && isHealthy(one)));
}
