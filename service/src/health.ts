import { get } from 'node:http';

const TIMEOUT_MS = 4_000;

/**
 * `health`: exit code 0 when this container's own /readyz answers 200, else 1 with the answer on stderr.
 * The container's health check runs it every few seconds, so it loads nothing but node:http.
 */
export async function runHealth(_args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { status, text } = await readiness(env.PORT || '3000');
  if (status === 200) return 0;
  process.stderr.write(`not ready: ${text.trim()}\n`);
  return 1;
}

function readiness(port: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve({ status: 0, text: error.message });
    const url = `http://127.0.0.1:${port}/readyz`;
    const request = get(url, { agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('error', failed);
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', failed);
  });
}
