import { randomBytes } from 'node:crypto';
import { GENERATED_KEYS, SETTING_KEYS, type SettingKey } from './schema.ts';

/** 43 characters of base64url, which carry 256 bits. */
export const makeSecret = () => randomBytes(32).toString('base64url');

/**
 * The first .env: the text of .env.example with empty secrets filled in and with settings that the
 * environment already names (HTTP_PORT=8080 make deploy), so that later verbs see the same server.
 */
export function fillTemplate(
  example: string,
  environment: Readonly<Record<string, string | undefined>>,
  secret: () => string = makeSecret,
): string {
  return example.replaceAll(/^([A-Z0-9_]+)=(.*)$/gm, (line, key: SettingKey, value: string) => {
    if (!SETTING_KEYS.includes(key)) return line;
    const given = environment[key];
    if (given) return `${key}=${given}`;
    return !value && GENERATED_KEYS.includes(key) ? `${key}=${secret()}` : line;
  });
}

/** Replaces single values in the text of .env, keeping comments and order; a key that is not there is added. */
export function replaceValues(text: string, values: Readonly<Record<string, string>>): string {
  let result = text;
  for (const [key, value] of Object.entries(values)) {
    const line = new RegExp(`^${key}=.*$`, 'm');
    const assignment = `${key}=${value}`;
    result = line.test(result)
      ? result.replace(line, () => assignment)
      : `${result.replace(/\n*$/, '\n')}${assignment}\n`;
  }
  return result;
}

/** Lines that are neither blank, nor a comment, nor KEY=value, and keys set twice: each as a problem. */
export function findMalformedLines(text: string): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  text.split('\n').forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return;
    const key = /^([A-Za-z_]\w*)=/.exec(line)?.[1];
    if (!key) problems.push(`line ${index + 1}: not KEY=value`);
    else if (seen.has(key)) problems.push(`${key}: set twice (line ${index + 1})`);
    else seen.add(key);
  });
  return problems;
}
