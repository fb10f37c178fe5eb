import type { ActionRequest } from 'adminjs';
import type { JobsOverview, JobsView } from '../jobs/overview.ts';
import { type RetryDeps, retryPhoto } from './retry.ts';

export interface JobsPageDeps extends RetryDeps {
  jobs?: JobsView | undefined;
}

/** What assets/src/jobs.js shows. */
export interface JobsAnswer {
  /** Null when the queue cannot be asked now. */
  overview: JobsOverview | null;
  notice?: { type: 'success' | 'info'; message: string };
}

type PageRequest = Pick<ActionRequest, 'method' | 'payload'>;

/**
 * The jobs page: queues with counts and the jobs that were given up. A POST with `photoId` and `jobId` has that
 * photo prepared again. Never waits longer than about a second for a queue that is away.
 */
export function jobsPage(deps: JobsPageDeps): (request: PageRequest) => Promise<JobsAnswer> {
  return async ({ method, payload }) => {
    const photoId = Number(payload?.photoId);
    const isRetry = method === 'post' && Number.isSafeInteger(photoId) && photoId > 0;
    const answer = isRetry ? await retryPhoto(deps, photoId) : undefined;
    // The new job has an id of its own; the old one would be listed for a month.
    if (answer) await deps.jobs?.forget(String(payload?.jobId)).catch(() => {});
    const overview = (await deps.jobs?.read().catch(() => null)) ?? null;
    if (!answer) return { overview };
    const { started, message } = answer;
    return { overview, notice: { type: started ? 'success' : 'info', message } };
  };
}
