import type { Condition } from './alerts.ts';
import { awayWith, type Judgement } from './conditions.ts';
import type { Epoch } from './wal.ts';

/** What the receiver tells of itself in backups/wal/state.json. Times are ISO 8601, UTC. */
export interface WalState {
  at: string;
  /** Name of the epoch that is being received; null before the first. */
  epoch: string | null;
  system: string | null;
  timeline: number;
  /** Whether pg_receivewal runs. */
  receiving: boolean;
  /** When the newest heartbeat was written that is known to be flushed in backups/wal; null: none since the start. */
  heartbeat: string | null;
  /** Position up to which the WAL is flushed there. */
  flushedLsn: string | null;
  /** What is wrong now. */
  error: string | null;
}

export interface WalFacts {
  /** The container's state in words; null: there is none. */
  container: string | null;
  /** Whether postgres is up: otherwise that is the incident. */
  hasPostgres: boolean;
  state: WalState | null;
  /** The epoch that is being received. */
  epoch: Epoch | null;
  /** Whether a base backup began in it. */
  isBased: boolean;
  /** ISO 8601, UTC. */
  now: string;
}

/**
 * A receiver that was killed is back within seconds, and one that hung within twenty; what lasts longer is told at once.
 * With a look every half a minute nobody waits for it longer than a minute.
 */
const LATE_SECONDS = 25;

/** Whether what is committed is received. @param facts null: the engine does not answer */
export function judgeWal(facts: WalFacts | null): Condition {
  return {
    ...{ key: 'wal', name: 'WAL receiver', graceSeconds: 0 },
    ...(facts ? judge(facts) : awayWith('the container engine does not answer')),
    next: 'make logs SERVICE=wal; df -h backups',
  };
}

function judge({ container, hasPostgres, state, epoch, isBased, now }: WalFacts): Judgement {
  if (!container && !state) return awayWith('it was not deployed yet');
  if (!hasPostgres) return awayWith('postgres does not run');
  const secondsSince = (time: string) => Math.round((Date.parse(now) - Date.parse(time)) / 1000);
  if (!state || !(secondsSince(state.at) <= LATE_SECONDS)) {
    const since = state ? `since ${clock(state.at)}` : 'yet';
    return { state: 'wrong', title: `wal is ${container ?? 'not there'} and has told nothing ${since}` };
  }
  const because = state.error ? `: ${state.error}` : '';
  if (!state.heartbeat || !(secondsSince(state.heartbeat) <= LATE_SECONDS)) {
    const since = state.heartbeat ? `committed since ${clock(state.heartbeat)}` : 'committed';
    return { state: 'wrong', title: `what is ${since} is not received${because}` };
  }
  if (epoch?.reason === 'slot-lost' && !isBased) {
    const title = `WAL from before ${clock(epoch.started)} is missing, and no base backup was taken since`;
    return { state: 'wrong', title };
  }
  return { state: 'well', title: `what was committed until ${clock(state.heartbeat)} is received${because}` };
}

const clock = (time: string) => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
