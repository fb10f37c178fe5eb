import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

/** A real photograph (8.5 MB, 3840x2160) that Debian and Ubuntu ship; fetched now, never committed. */
const PACKAGE = 'mate-backgrounds';
const FILE = 'usr/share/backgrounds/mate/abstract/Elephants_3840x2160.jpg';

export async function fetchPhotograph(): Promise<{ bytes: Buffer; width: number; height: number }> {
  const directory = mkdtempSync(path.join(tmpdir(), 'atlas-photo-'));
  try {
    await execa('apt-get', ['download', '--quiet', PACKAGE], { cwd: directory });
    const { stdout } = await execa('find', [directory, '-name', `${PACKAGE}_*.deb`]);
    await execa('dpkg-deb', ['--extract', stdout.trim(), directory]);
    return { bytes: readFileSync(path.join(directory, FILE)), width: 3840, height: 2160 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
