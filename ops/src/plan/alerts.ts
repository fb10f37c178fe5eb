/** What was found about one thing that may go wrong. */
export interface Condition {
  /** Stays the same from one look to the next: an incident goes by it. */
  key: string;
  /** What is looked at, in a word or two. */
  name: string;
  /** unknown: it could not be measured, which neither begins an incident nor ends one. */
  state: 'well' | 'wrong' | 'unknown';
  /** What was found, in one line without a secret. */
  title: string;
  /** What to type, or to do, about it. */
  next: string;
  /** How long it must have been wrong before anybody is told; 0: at once. */
  graceSeconds: number;
  /** Only for unknown: nothing to measure yet, or another condition says why it cannot be measured. */
  isExplained?: boolean;
}

/** Something that is wrong, from the first look that found it until its end has been told. */
export interface Incident {
  key: string;
  title: string;
  next: string;
  /** When it was first seen; ISO 8601, UTC. */
  since: string;
  /** The receiver has taken the message that it began. */
  told: boolean;
  /** When it was over; the message about that was not taken yet. */
  ended?: string;
}

/** What is to be said now. */
export interface AlertMessage extends Pick<Incident, 'key' | 'title' | 'next' | 'since'> {
  status: 'firing' | 'resolved';
}

/** How long a thing may go unmeasured before that is an incident itself. */
const UNKNOWN_SECONDS = 3600;

/**
 * Decides what to say: once when an incident begins, once when it ends. What was not taken is said again at the next look;
 * an incident that nobody was told of ends without a word. Incidents of keys that were not looked at stay as they are.
 * @param incidents those that were open until now  @param now ISO 8601, UTC
 * @returns the messages, and the incidents as they are when none of the messages is taken (settle)
 */
export function planAlerts(
  incidents: readonly Incident[],
  conditions: readonly Condition[],
  now: string,
): { messages: AlertMessage[]; incidents: Incident[] } {
  const judged = conditions.flatMap((one) => [one, watchMeasuring(one)]);
  const keys = new Set(judged.map(({ key }) => key));
  const open = judged.flatMap((condition) => {
    const incident = incidents.find(({ key }) => key === condition.key);
    const next = advance(incident, condition, now);
    return next ? [{ incident: next, message: findMessage(next, condition, now) }] : [];
  });
  return {
    messages: open.flatMap(({ message }) => message ?? []),
    incidents: [...incidents.filter(({ key }) => !keys.has(key)), ...open.map(({ incident }) => incident)],
  };
}

/** The incidents once it is known which messages were taken. */
export function settle(incidents: readonly Incident[], taken: readonly AlertMessage[]): Incident[] {
  const has = (key: string, status: AlertMessage['status']) =>
    taken.some((one) => one.key === key && one.status === status);
  return incidents
    .filter(({ key }) => !has(key, 'resolved'))
    .map((one) => (has(one.key, 'firing') ? { ...one, told: true } : one));
}

/** That a thing cannot be measured is a condition of its own: silence would look like health. */
function watchMeasuring({ key, name, state, title, isExplained }: Condition): Condition {
  return {
    key: `${key}-unknown`,
    name,
    state: state === 'unknown' && !isExplained ? 'wrong' : 'well',
    title: `${name}: cannot be measured: ${title}`,
    next: 'make doctor',
    graceSeconds: UNKNOWN_SECONDS,
  };
}

function advance(incident: Incident | undefined, condition: Condition, now: string): Incident | null {
  const { key, state, title, next } = condition;
  if (state === 'unknown') return incident ?? null;
  if (state === 'well') return incident?.told ? { ...incident, ended: incident.ended ?? now } : null;
  if (!incident) return { key, title, next, since: now, told: false };
  // A clock that was put back: a beginning in the future would never be old enough.
  const since = incident.since < now ? incident.since : now;
  // Wrong again before its end was told: for the receiver it never ended.
  return { key, title, next, since, told: incident.told };
}

function findMessage(
  incident: Incident,
  { state, graceSeconds }: Condition,
  now: string,
): AlertMessage | null {
  const { key, title, next, since, told, ended } = incident;
  if (ended) return { key, title, next, since, status: 'resolved' };
  const isDue = Date.parse(now) - Date.parse(since) >= graceSeconds * 1000;
  return state === 'wrong' && !told && isDue ? { key, title, next, since, status: 'firing' } : null;
}
