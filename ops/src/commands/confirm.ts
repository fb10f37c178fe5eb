import { createInterface } from 'node:readline/promises';
import { EXIT, Failure } from '../report/failure.ts';

/**
 * Asks before something is lost. Without a terminal nobody can answer, so it refuses and names the flag.
 * @throws Failure (exit 2) unless somebody types yes
 */
export async function confirm(consequence: string): Promise<void> {
  const details = { state: 'nothing was changed', next: 'the same command with YES=1', exitCode: EXIT.usage };
  if (!process.stdin.isTTY) throw new Failure(`${consequence}: that needs a yes`, details);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${consequence}. Type yes to go on: `);
  prompt.close();
  if (answer.trim() !== 'yes') throw new Failure('cancelled', { ...details, next: 'nothing' });
}
