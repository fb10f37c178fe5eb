import { count, formatBytes, formatNumber } from './format.js';
import { Ago, Card, Note } from './parts.jsx';
import { QueuePlot } from './plot.jsx';
import { useRefresh } from './refresh.js';
import { Releases } from './releases.jsx';
import { ServerCards } from './server-cards.jsx';

const DAY = 86_400;
const REFRESH_MS = 30_000;

/** What the service answers, asked again while the page is open; undefined until the first answer. */
function useDashboard() {
  const [answer, setAnswer] = React.useState();
  const load = React.useCallback(
    (signal) =>
      new AdminJS.ApiClient().getDashboard({ signal }).then(
        ({ data }) => setAnswer(data),
        () => {},
      ),
    [],
  );
  useRefresh(load, REFRESH_MS);
  return answer;
}

function describe({ uploaded, ready, failed }) {
  const open = [
    uploaded ? `${formatNumber(uploaded)} being prepared` : '',
    failed ? `${formatNumber(failed)} failed` : '',
  ];
  return open.filter(Boolean).join(', ') || (ready ? 'all of them ready' : 'none yet');
}

function Directory({ answer: { salons, photos } }) {
  return (
    <>
      <Card title="Salons" href="/admin/resources/salons" value={formatNumber(salons.total)}>
        <Note>{`${formatNumber(salons.published)} published`}</Note>
      </Card>
      <Card title="Photos" href="/admin/resources/photos" value={formatNumber(photos.ready)}>
        <Note>{describe(photos)}</Note>
      </Card>
    </>
  );
}

function Release({ answer: { release, server, now } }) {
  const since = server?.releases.find(({ result, tag }) => result === 'done' && tag === release)?.started;
  return (
    <Card title="Release" value={<span className="atlas-tag">{release ?? 'not known'}</span>}>
      <Note>
        {since ? (
          <>
            since <Ago at={since} now={now} />
          </>
        ) : (
          'the one that answers now'
        )}
      </Note>
    </Card>
  );
}

function Database({ answer: { databaseBytes } }) {
  return (
    <Card title="Database" value={formatBytes(databaseBytes)}>
      <Note>PostgreSQL, with its indexes</Note>
    </Card>
  );
}

/** How fresh the server's own words are. */
function ServerNote({ answer: { server, now } }) {
  if (!server)
    return (
      <p className="atlas-hint">
        What the server knows of itself is not known here yet: <code>make status</code> on the server writes
        it.
      </p>
    );
  if (now - Date.parse(server.writtenAt) / 1000 <= DAY) return null;
  return (
    <p className="atlas-hint atlas-hint-warn">
      Certificate, disk, backups and releases are as they were <Ago at={server.writtenAt} now={now} />;{' '}
      <code>make status</code> on the server looks again.
    </p>
  );
}

function Queue({ answer: { samples, now } }) {
  const [, pending, failed] = samples.at(-1) ?? [];
  const summary = samples.length > 0 && `${count(pending, 'photo')} waiting, ${formatNumber(failed)} failed`;
  return (
    <section className="atlas-card atlas-wide">
      <h3>
        Photos to prepare, last 24 hours
        {summary ? <span className="atlas-now">{summary}</span> : null}
      </h3>
      {samples.length > 0 ? (
        <QueuePlot samples={samples} now={now} />
      ) : (
        <p className="atlas-empty">Nothing was measured yet. The worker looks once a minute.</p>
      )}
    </section>
  );
}

export function Dashboard() {
  const answer = useDashboard();
  if (!answer) return <div className="atlas-page" aria-busy="true" />;
  return (
    <div className="atlas-page">
      <h1>Sevra Atlas</h1>
      <ServerNote answer={answer} />
      <div className="atlas-grid">
        <Directory answer={answer} />
        <Release answer={answer} />
        <Database answer={answer} />
        <Queue answer={answer} />
        <ServerCards answer={answer} />
        <Releases answer={answer} />
      </div>
    </div>
  );
}
