const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

// A number and its unit stay on one line.
const withUnit = (text, unit) => `${text}\u00a0${unit}`;

/** Bytes in the unit a person would choose, powers of 1000: 512 B, 3.4 MB, 71 GB. */
export function formatBytes(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  const text = value >= 10 || power === 0 ? Math.round(value) : value.toFixed(1);
  return withUnit(text, UNITS[power]);
}

export const formatNumber = (value) => value.toLocaleString('en');

/** "1 photo", "1,200 photos". */
export const count = (value, one, many = `${one}s`) => `${formatNumber(value)} ${value === 1 ? one : many}`;

/** Seconds as 0.8 s, 42 s, 7 min, 3 h. */
export function formatSeconds(seconds) {
  if (seconds < 10) return withUnit(seconds.toFixed(1), 's');
  if (seconds < 120) return withUnit(Math.round(seconds), 's');
  if (seconds < 7200) return withUnit(Math.round(seconds / 60), 'min');
  return withUnit(Math.round(seconds / 3600), 'h');
}

const STEPS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** How long ago: "just now", "5 minutes ago", "yesterday". */
export function formatAgo(seconds) {
  for (const [unit, length] of STEPS)
    if (seconds >= length) return relative.format(-Math.round(seconds / length), unit);
  return 'just now';
}

/** A time as the visitor's clock shows it, with its zone. */
export const formatExact = (date) =>
  date.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'long', hourCycle: 'h23' });
