import { formatNumber } from './format.js';
import { Ago } from './parts.jsx';
import { useRefresh } from './refresh.js';

const REFRESH_MS = 5_000;
/** BullMQ's states in words that fit on a telephone. */
const STATES = {
  waiting: 'waiting',
  active: 'at work',
  delayed: 'later',
  failed: 'failed',
  completed: 'done',
};
const WHAT = { media: 'photos get their sizes', maintenance: 'sweeps and measurements' };

/** What the queues hold, asked again while the page is open, and a way to have a photo tried again. */
function useJobs() {
  const [answer, setAnswer] = React.useState();
  const ask = React.useCallback(
    (more) =>
      new AdminJS.ApiClient().getPage({ pageName: 'jobs', ...more }).then(
        // What came of a retry stays until the next one.
        ({ data }) => setAnswer((last) => ({ notice: last?.notice, ...data })),
        () => {},
      ),
    [],
  );
  const load = React.useCallback((signal) => ask({ signal }), [ask]);
  useRefresh(load, REFRESH_MS);
  const retry = ({ id, photoId }) => ask({ method: 'POST', data: { photoId, jobId: id } });
  return { answer, retry };
}

function Queue({ queue: { name, counts } }) {
  return (
    <section className="atlas-card">
      <h3>
        {name} <span className="atlas-now">{WHAT[name]}</span>
      </h3>
      <dl className="atlas-counts">
        {Object.entries(STATES).map(([state, word]) => (
          <div key={state} className={state === 'failed' && counts.failed > 0 ? 'atlas-bad' : undefined}>
            <dd>{formatNumber(counts[state])}</dd>
            <dt>{word}</dt>
          </div>
        ))}
      </dl>
    </section>
  );
}

function FailedJob({ job, onRetry }) {
  const [busy, setBusy] = React.useState(false);
  const retry = () => {
    setBusy(true);
    onRetry(job).then(() => setBusy(false));
  };
  return (
    <li className="atlas-job">
      <div>
        <p className="atlas-job-reason" dir="auto">
          {job.reason}
        </p>
        <p className="atlas-quiet">
          {job.photoId ? (
            <a href={`/admin/resources/photos/records/${job.photoId}/show`}>Photo {job.photoId}</a>
          ) : (
            job.queue
          )}
          {` · ${job.attempts} ${job.attempts === 1 ? 'attempt' : 'attempts'} · `}
          {job.failedAt ? <Ago at={job.failedAt} /> : 'at an unknown time'}
          {' · '}
          <code>{job.id}</code>
        </p>
      </div>
      {job.photoId ? (
        <button type="button" className="atlas-button" disabled={busy} onClick={retry}>
          Try again
        </button>
      ) : null}
    </li>
  );
}

function Overview({ overview: { queues, failed }, retry }) {
  return (
    <>
      <div className="atlas-grid atlas-grid-wide">
        {queues.map((queue) => (
          <Queue key={queue.name} queue={queue} />
        ))}
      </div>
      <section className="atlas-card atlas-wide">
        <h3>Failed jobs</h3>
        {failed.length === 0 ? (
          <p className="atlas-empty">None. What may pass is tried five times before it is listed here.</p>
        ) : (
          <ol>
            {failed.map((job) => (
              <FailedJob key={`${job.queue}/${job.id}`} job={job} onRetry={retry} />
            ))}
          </ol>
        )}
      </section>
    </>
  );
}

/** The page of background jobs. */
export function Jobs() {
  const { answer, retry } = useJobs();
  if (!answer) return <div className="atlas-page" aria-busy="true" />;
  const { overview, notice } = answer;
  return (
    <div className="atlas-page">
      <h1>Jobs</h1>
      <p role="status" className={notice ? 'atlas-hint' : undefined}>
        {notice?.message}
      </p>
      {overview ? (
        <Overview overview={overview} retry={retry} />
      ) : (
        <p className="atlas-hint atlas-hint-warn" role="alert">
          The queue does not answer now. Nothing is lost: photos that are uploaded meanwhile are prepared when
          it is back. This page asks again every few seconds.
        </p>
      )}
    </div>
  );
}
