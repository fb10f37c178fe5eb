import type { SchemaChoice } from '../plan/schema.ts';
import { EXIT, Failure } from '../report/failure.ts';

/** TAG as it came. @throws Failure (exit 2) unless the engine would take it */
export function checkTag(tag: string | undefined): string | undefined {
  if (!tag) return undefined;
  if (/^\w[\w.-]{0,127}$/.test(tag)) return tag;
  throw new Failure(`"${tag}" is not an image tag: letters, digits, ".", "_" and "-" are allowed`, {
    state: 'nothing was changed',
    next: 'make deploy TAG=v1.2.3',
    exitCode: EXIT.usage,
  });
}

/** SCHEMA as it came. @throws Failure (exit 2) for anything but down and restore */
export function checkSchemaChoice(choice: string | undefined): SchemaChoice {
  if (!choice) return 'keep';
  if (choice === 'down' || choice === 'restore') return choice;
  throw new Failure(`SCHEMA=${choice} is neither down nor restore`, {
    state: 'nothing was changed',
    next: 'SCHEMA=down undoes migrations, SCHEMA=restore goes back to a dump',
    exitCode: EXIT.usage,
  });
}
