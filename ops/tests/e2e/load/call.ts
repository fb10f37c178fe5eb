/** One request: what is sent and what has to come back. */
export interface Call {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** The only status that is not a failure. */
  expected: number;
}

/** How one request went. */
export interface Outcome {
  milliseconds: number;
  body: Buffer;
  release: string | undefined;
  /** Undefined when the whole expected answer arrived. */
  failure: string | undefined;
}

/** What makes a client slow, or patient. */
export interface Pace {
  /** Until the whole answer has arrived; 30 s unless told otherwise. */
  timeoutMilliseconds?: number;
  /** Told of every chunk and of the length of the whole; nothing more is read until it resolves. */
  onChunk?: (bytes: number, total: number) => Promise<void>;
}

export const TIMEOUT_MILLISECONDS = 30_000;
