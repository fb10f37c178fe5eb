import { formatAgo, formatExact } from './format.js';

/** A time relative to `now` (seconds since the epoch), the exact one when pointed at. */
export function Ago({ at, now = Date.now() / 1000 }) {
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={formatExact(date)}>
      {formatAgo(now - date.getTime() / 1000)}
    </time>
  );
}

/** A white card: a title, one large value and what explains it. With `href` all of it is a link. */
export function Card({ title, value, href, tone, children }) {
  const Tag = href ? 'a' : 'section';
  return (
    <Tag className="atlas-card" href={href}>
      <h3>{title}</h3>
      {value === undefined ? null : <p className={`atlas-value ${tone ? `atlas-${tone}` : ''}`}>{value}</p>}
      {children}
    </Tag>
  );
}

/** A bar of which `share` (0 to 1) is filled. */
export function Bar({ share, tone = 'good', label }) {
  const width = `${Math.round(Math.min(1, Math.max(0, share)) * 100)}%`;
  return (
    <div className="atlas-bar" role="img" aria-label={label}>
      <div className={`atlas-fill-${tone}`} style={{ width }} />
    </div>
  );
}

export const Note = ({ children }) => <p className="atlas-note">{children}</p>;
