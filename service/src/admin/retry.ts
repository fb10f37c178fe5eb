import type { Knex } from 'knex';
import { recordAudit } from '../db/audit.ts';
import { type OwedPhoto, oweAgain } from '../db/outbox.ts';
import { audited, currentActor } from './actor.ts';

export interface RetryDeps {
  db: Knex;
  /** Asks for a photo's variants; never rejects. Without it the worker's sweeper does, a minute later. */
  enqueue?: ((photo: OwedPhoto) => Promise<void>) | undefined;
  onChange?: ((resource: string) => Promise<void>) | undefined;
}

/** What came of it, in words for the page. */
export interface RetryAnswer {
  started: boolean;
  message: string;
}

/** Has a photo that was given up prepared once more; any other photo is left alone. */
export async function retryPhoto({ db, enqueue, onChange }: RetryDeps, id: number): Promise<RetryAnswer> {
  const owed = await db.transaction(async (trx) => {
    const photo = await oweAgain(trx, id);
    const entry = { action: 'try again', resource: 'photos', recordId: String(id) };
    if (photo) await recordAudit(trx, { ...audited(currentActor()), ...entry });
    return photo;
  });
  if (owed) {
    await onChange?.('photos');
    await enqueue?.(owed);
    return { started: true, message: `Photo ${id} is being prepared again.` };
  }
  const photo = await db('photos').where({ id }).first('state');
  if (!photo) return { started: false, message: `Photo ${id} was deleted meanwhile.` };
  const state = photo.state === 'ready' ? 'ready' : 'being prepared';
  return { started: false, message: `Photo ${id} is ${state}: there is nothing to try again.` };
}
