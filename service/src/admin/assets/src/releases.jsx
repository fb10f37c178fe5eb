import { formatSeconds } from './format.js';
import { Ago } from './parts.jsx';

const TONES = { done: 'good', undone: 'warn', interrupted: 'warn', failed: 'bad' };

function Entry({ entry, isCurrent, now }) {
  return (
    <li className="atlas-release">
      <span className="atlas-release-tag">
        <span className="atlas-tag">{entry.tag}</span>
        {isCurrent ? <span className="atlas-pill atlas-pill-current">now</span> : null}
      </span>
      <span className="atlas-release-what">{entry.what}</span>
      <span className={`atlas-pill atlas-pill-${TONES[entry.result]}`}>{entry.result}</span>
      <span className="atlas-quiet">{formatSeconds(entry.seconds)}</span>
      <span className="atlas-quiet atlas-who">
        <bdi>{entry.by}</bdi>
      </span>
      <span className="atlas-quiet">
        <Ago at={entry.started} now={now} />
      </span>
    </li>
  );
}

/** The last deploys and rollbacks, the latest first. */
export function Releases({ answer: { server, release, now } }) {
  const entries = server?.releases ?? [];
  const current = entries.findIndex(({ tag, result }) => result === 'done' && tag === release);
  return (
    <section className="atlas-card atlas-wide">
      <h3>Releases</h3>
      {entries.length === 0 ? (
        <p className="atlas-empty">{server ? 'None was recorded yet.' : 'Not known.'}</p>
      ) : (
        <ol className="atlas-releases">
          {entries.map((entry, index) => (
            <Entry key={entry.started} entry={entry} isCurrent={index === current} now={now} />
          ))}
        </ol>
      )}
    </section>
  );
}
