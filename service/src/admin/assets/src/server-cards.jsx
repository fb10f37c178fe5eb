import { formatBytes, formatSeconds } from './format.js';
import { Ago, Bar, Card, Note } from './parts.jsx';

const DAY = 86_400;
const UNKNOWN = <Note>not known</Note>;

/** Green in the first third of its life, calm in the second, amber in the last, when it should have been renewed. */
function toneOfLife(left) {
  if (left <= 0) return 'bad';
  if (left < 1 / 3) return 'warn';
  return left < 2 / 3 ? 'calm' : 'good';
}

function Certificate({ server, now }) {
  const certificate = server?.certificate;
  if (!certificate) return <Card title="Certificate">{server ? <Note>none is served</Note> : UNKNOWN}</Card>;
  const { daysTotal, issuer, selfSigned } = certificate;
  // It was counted when the server wrote it.
  const days = certificate.daysLeft - Math.floor((now - Date.parse(server.writtenAt) / 1000) / DAY);
  const share = days / Math.max(1, daysTotal);
  const tone = toneOfLife(share);
  const value = days < 0 ? 'expired' : `${days} ${days === 1 ? 'day' : 'days'}`;
  return (
    <Card title="Certificate" value={value} tone={tone}>
      <Bar share={share} tone={tone} label={`${days} of ${daysTotal} days left`} />
      <Note>
        {days < 0 ? `${-days} days ago; ` : 'left; '}
        {selfSigned ? 'self-signed, browsers warn' : issuer}
      </Note>
    </Card>
  );
}

function Disk({ server }) {
  if (!server?.disk) return <Card title="Disk">{UNKNOWN}</Card>;
  const { freeBytes, totalBytes } = server.disk;
  const used = 1 - freeBytes / Math.max(1, totalBytes);
  const tone = used > 0.95 ? 'bad' : used > 0.85 ? 'warn' : 'good';
  return (
    <Card title="Disk" value={`${formatBytes(freeBytes)} free`} tone={tone === 'good' ? undefined : tone}>
      <Bar share={used} tone={tone} label={`${Math.round(used * 100)} percent used`} />
      <Note>{`${formatBytes(totalBytes - freeBytes)} used of ${formatBytes(totalBytes)}`}</Note>
    </Card>
  );
}

/** A backup or a drill. One that never was is no alarm, but it is said. */
function Run({ title, run, known, never, now }) {
  if (!known) return <Card title={title}>{UNKNOWN}</Card>;
  if (!run)
    return (
      <Card title={title} value="never" tone="faint">
        <Note>{never}</Note>
      </Card>
    );
  const facts = [
    run.result,
    run.bytes == null ? '' : formatBytes(run.bytes),
    run.seconds == null ? '' : `in ${formatSeconds(run.seconds)}`,
  ];
  const isGood = ['done', 'pass'].includes(run.result);
  return (
    <Card title={title} value={<Ago at={run.at} now={now} />} tone={isGood ? undefined : 'bad'}>
      <Note>{facts.filter(Boolean).join(', ')}</Note>
    </Card>
  );
}

/** Certificate, disk, last backup and last drill, as the server told. */
export function ServerCards({ answer: { server, now } }) {
  const known = server !== null;
  return (
    <>
      <Certificate server={server} now={now} />
      <Disk server={server} />
      <Run
        title="Last backup"
        run={server?.backup}
        known={known}
        now={now}
        never="none was made on this server"
      />
      <Run
        title="Last restore drill"
        run={server?.drill}
        known={known}
        now={now}
        never="no backup was tried out yet"
      />
    </>
  );
}
