const TIMEOUT_SECONDS = 10;

/** Why a URL did not take it, in words without the URL, which is a secret; null when it did. */
export type Refusal = string | null;

/**
 * ntfy's own: with them it shows title and text instead of the JSON; others pass over them.
 * https://docs.ntfy.sh/publish/#message-templating
 */
const NTFY_HEADERS = { 'x-template': 'yes', 'x-title': '{{.title}}', 'x-message': '{{.message}}' };

/** Posts JSON to a webhook. Never throws, and takes 10 s at most. */
export function postJson(url: string, body: unknown): Promise<Refusal> {
  return call(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...NTFY_HEADERS },
    body: JSON.stringify(body),
  });
}

/** Asks for HEARTBEAT_URL, which says that a nightly run was good; without one does nothing. Never throws. */
export async function pingHeartbeat({ HEARTBEAT_URL }: { HEARTBEAT_URL?: string }): Promise<Refusal> {
  return HEARTBEAT_URL ? call(HEARTBEAT_URL, { method: 'GET' }) : null;
}

/** Where a URL leads, without what is secret in it. */
export function hostOf(url: string): string {
  return parseUrl(url)?.host ?? 'an address that is none';
}

function parseUrl(url: string): URL | null {
  if (!URL.canParse(url)) return null;
  const parsed = new URL(url);
  return ['http:', 'https:'].includes(parsed.protocol) ? parsed : null;
}

async function call(url: string, request: RequestInit): Promise<Refusal> {
  const target = parseUrl(url);
  if (!target) return 'it is no http or https address';
  const headers = { 'user-agent': 'sevra-atlas', ...request.headers, ...takeCredentials(target) };
  try {
    // A redirect is not followed: the secret path and the message are for nobody else.
    const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
    const answer = await fetch(target, { ...request, headers, redirect: 'manual', signal });
    await answer.body?.cancel();
    if (answer.ok) return null;
    const remark = answer.status >= 300 && answer.status < 400 ? ', a redirect, which is not followed' : '';
    return `${target.host} answered HTTP ${answer.status}${remark}`;
  } catch (error) {
    return `${target.host} ${describeError(error)}`;
  }
}

/** fetch refuses a URL with a password in it, naming the URL: it goes where HTTP wants it. */
function takeCredentials(target: URL): Record<string, string> {
  if (!target.username && !target.password) return {};
  const pair = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
  target.username = '';
  target.password = '';
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** By its code alone: messages may name the URL. */
function describeError(error: unknown): string {
  const { name, cause } = error as Error & { cause?: { code?: string } };
  if (name === 'TimeoutError') return `did not answer within ${TIMEOUT_SECONDS} s`;
  return `could not be asked (${cause?.code ?? name})`;
}
