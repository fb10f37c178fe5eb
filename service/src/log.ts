import { type DestinationStream, type Logger, pino } from 'pino';

const SECRET_KEYS = [
  'authorization',
  'cookie',
  '["set-cookie"]',
  'password',
  'password_hash',
  'token',
  'secret',
];

/** Every secret key at the top, one and two levels down: `headers.cookie`, `req.headers.cookie`. */
const redactedPaths = ['', '*', '*.*'].flatMap((parent) =>
  SECRET_KEYS.map((key) => (parent && !key.startsWith('[') ? `${parent}.${key}` : `${parent}${key}`)),
);

/**
 * JSON logs on stdout, one object a line, ISO times; secrets are replaced, whoever logs them.
 * @param destination where lines go instead of stdout (tests).
 */
export function createLog(
  options: { level: string; release: string; role: string },
  destination?: DestinationStream,
): Logger {
  const settings = {
    level: options.level,
    base: { role: options.role, release: options.release },
    timestamp: pino.stdTimeFunctions.isoTime,
    // ioredis hangs the failed command on its errors, and the failed command may be AUTH.
    redact: { paths: [...redactedPaths, 'err.command.args'], censor: '[redacted]' },
  };
  return destination ? pino(settings, destination) : pino(settings);
}

export type { Logger };
