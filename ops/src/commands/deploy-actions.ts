import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/validate.ts';
import { ensureBaseImages } from '../host/base-images.ts';
import { bringUp, createCompose } from '../host/compose.ts';
import { loadSettings, updateEnvFile } from '../host/env-file.ts';
import { askOurselves } from '../host/http.ts';
import { buildServiceImage, pullServiceImage } from '../host/service-image.ts';
import { BASE_IMAGE_KEYS } from '../plan/base-images.ts';
import type { DeployFacts, StepId } from '../plan/deploy.ts';
import { Failure, formatFailure } from '../report/failure.ts';
import { note } from '../report/steps.ts';
import { nginxConfigDigest, nginxDigestFile } from './deploy-facts.ts';

const CHECK_SECONDS = 30;
const DATA_SERVICES = ['postgres', 'redis_cache', 'redis_queue'];

export type DeployActions = Record<StepId, () => Promise<void>> & {
  /** Puts the former release back if this one had begun to replace it. @returns whether it did */
  undo: () => Promise<boolean>;
};

/** What each step of a deploy does. Every action is safe to repeat: a killed deploy is simply run again. */
export function createDeployActions(initial: Settings, facts: DeployFacts): DeployActions {
  const { tag, currentTag } = facts;
  let settings = initial;
  let replacing = false;
  const compose = () => createCompose(settings, { IMAGE_TAG: tag });
  const keepsRunning = { state: currentTag ? `release ${currentTag} goes on running` : 'nothing runs yet' };

  return {
    'base-images': async () => {
      await ensureBaseImages(
        settings,
        BASE_IMAGE_KEYS.filter((key) => facts.missingBaseImages.includes(key)),
      );
      settings = await loadSettings();
    },
    build: () => buildServiceImage(settings, tag),
    pull: () => pullServiceImage(settings, tag),
    data: () => bringUp(compose(), ...DATA_SERVICES),
    migrate: async () => {
      const outcome = await compose().attempt('run', '--rm', '--no-deps', '-T', 'migrate');
      if (outcome.exitCode === 0) return;
      throw new Failure('the migration failed', {
        command: 'docker compose run --rm migrate',
        log: `${outcome.stdout}\n${outcome.stderr}`.trim().split('\n').slice(-15).join('\n'),
        ...keepsRunning,
        next: 'correct the migration, then make deploy',
      });
    },
    up: async () => {
      replacing = true;
      await bringUp(compose());
      await rememberNginxConfig();
    },
    nginx: async () => {
      // A reload signal "succeeds" on a bad configuration: test it first.
      await compose().run('exec', '-T', 'nginx', 'nginx', '-t');
      await compose().run('exec', '-T', 'nginx', 'nginx', '-s', 'reload');
      await rememberNginxConfig();
    },
    check: () => checkThroughNginx(Number(settings.HTTPS_PORT), tag),
    record: () => updateEnvFile({ IMAGE_TAG: tag }),
    undo: async () => {
      if (!replacing || !currentTag || currentTag === tag) return false;
      note(`undo: putting release ${currentTag} back`);
      try {
        await bringUp(createCompose(settings, { IMAGE_TAG: currentTag }));
        note(`undo: release ${currentTag} serves again`);
        return true;
      } catch (error) {
        note(`undo: failed\n${error instanceof Failure ? formatFailure(error) : error}`);
        return false;
      }
    },
  };
}

async function rememberNginxConfig(): Promise<void> {
  await writeFile(nginxDigestFile, `${await nginxConfigDigest()}\n`);
}

/** Waits until this server's own nginx serves the release. @throws Failure with the last answer */
async function checkThroughNginx(port: number, tag: string): Promise<void> {
  const deadline = Date.now() + CHECK_SECONDS * 1000;
  let last = 'no answer';
  while (Date.now() < deadline) {
    try {
      const answer = await askOurselves(port, '/readyz');
      if (answer.status === 200 && answer.release === tag) return;
      last = `HTTP ${answer.status}, release ${answer.release ?? 'unknown'}: ${answer.body.slice(0, 300)}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await delay(200);
  }
  throw new Failure(`release ${tag} does not answer through nginx within ${CHECK_SECONDS} s`, {
    command: `curl -k https://localhost:${port}/readyz`,
    log: last,
    next: 'make logs SERVICE=nginx',
  });
}
