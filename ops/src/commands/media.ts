import { createCompose } from '../host/compose.ts';
import { loadSettings } from '../host/env-file.ts';
import { attach } from '../host/exec.ts';
import { missingForCopy } from '../plan/media.ts';
import { EXIT, type ExitCode, Failure } from '../report/failure.ts';

/**
 * Copies all photos from uploads/ to the bucket that .env names and reads each back, in a one-off container of the
 * release that runs. Nothing else changes: where the service looks for photos is MEDIA_STORAGE.
 */
export async function copyMedia(options: { dryRun?: boolean; verify?: boolean }): Promise<ExitCode> {
  const settings = await loadSettings();
  if (!settings.IMAGE_TAG)
    throw new Failure('nothing has been deployed yet', { next: 'make deploy', exitCode: EXIT.usage });
  const missing = missingForCopy(settings);
  if (missing.length > 0) {
    throw new Failure(`no bucket to copy to; missing in .env: ${missing.join(', ')}`, {
      state: 'nothing was changed',
      next: 'set them, leave MEDIA_STORAGE as it is, then make media-copy',
      exitCode: EXIT.usage,
    });
  }
  const flags = [...(options.dryRun ? ['--dry-run'] : []), ...(options.verify ? ['--verify'] : [])];
  const role = ['media', 'copy', ...flags];
  const compose = createCompose(settings);
  // The api's settings, volume and networks; a one-off is not counted among its containers.
  const args = compose.args('run', '--rm', '--no-deps', '-T', 'api', ...role);
  const code = await attach('docker', args, compose.env);
  return code === 0 || code === EXIT.usage ? code : EXIT.failed;
}
