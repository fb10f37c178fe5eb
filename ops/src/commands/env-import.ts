import { text } from 'node:stream/consumers';
import { parse } from 'dotenv';
import { envFileExists, readEnvText, writeEnvText } from '../host/env-file.ts';
import { parseWait, withLock } from '../host/lock.ts';
import { planImport } from '../plan/env-import.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';
import { note } from '../report/steps.ts';

/**
 * Reads KEY=value lines from standard input and merges them into .env, all of them or none. Prints the names of the
 * keys that changed, never a value.
 * @throws Failure (exit 2) naming everything that is wrong with them; then .env is as it was
 */
export async function importEnv(options: { wait?: string }): Promise<ExitCode> {
  const waitSeconds = parseWait(options.wait);
  if (process.stdin.isTTY) note('KEY=value lines, and Ctrl-D at the end:');
  const lines = await text(process.stdin);
  return withLock('env-import', waitSeconds, async () => {
    const current = await readEnvText();
    const { text: wanted, changed, empty, problems } = planImport(current, lines, parse);
    if (problems.length > 0)
      throw new Failure(`these settings are not valid:\n${problems.map((one) => `    ${one}`).join('\n')}`, {
        state: 'nothing was changed',
        next: 'correct them (every key is explained in .env.example) and import all of them again',
        exitCode: EXIT.usage,
      });
    if (!(await envFileExists()))
      note('created .env (mode 600) with random secrets; it is never overwritten');
    await writeEnvText(wanted);
    if (empty.length > 0) note(`without a value, left as they are: ${empty.join(', ')}`);
    note(changed.length > 0 ? 'make deploy brings them into effect' : 'nothing is different');
    for (const key of changed) process.stdout.write(`${key}\n`);
    return EXIT.done;
  });
}
