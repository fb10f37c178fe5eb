import type { AlertMessage } from './alerts.ts';

/** What ALERT_URL gets: each receiver finds the text under the name that it knows. README documents it. */
export interface AlertPayload {
  /** The whole message. Slack and most others read `text`, Discord `content`. */
  text: string;
  content: string;
  /** The same in two parts. */
  title: string;
  message: string;
  status: AlertMessage['status'];
  /** The same for the beginning and the end of an incident. */
  key: string;
  project: string;
  host: string;
  /** ISO 8601, UTC. */
  time: string;
  next: string;
}

/** Discord takes no more. https://discord.com/developers/docs/resources/webhook#execute-webhook */
const CONTENT_CHARACTERS = 2000;
const TITLE_CHARACTERS = 200;

/**
 * The message as the webhook sends it.
 * @param from `time` is ISO 8601, UTC  @param secrets values of .env: a failure's own words may hold one
 */
export function renderAlert(
  { key, title, next, since, status }: AlertMessage,
  from: Pick<AlertPayload, 'project' | 'host' | 'time'>,
  secrets: readonly string[],
): AlertPayload {
  const found = redact(title, secrets);
  const begin = `${since.slice(0, 16).replace('T', ' ')} UTC`;
  const isOver = status === 'resolved';
  const head = shorten(`${status.toUpperCase()} ${from.project} on ${from.host}: ${found}`, TITLE_CHARACTERS);
  const body = isOver ? `over; it was, since ${begin}: ${found}` : `${found}\nsince ${begin}\nnext: ${next}`;
  const message = shorten(body, CONTENT_CHARACTERS - head.length - 1);
  const text = `${head}\n${message}`;
  return { text, content: text, title: head, message, status, key, ...from, next };
}

function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
}

const shorten = (text: string, length: number) =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;
