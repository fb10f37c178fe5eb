import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

const service = path.resolve(import.meta.dirname, '..');
const ENTRY = path.join(service, 'src/admin/assets/src/index.jsx');
const CACHE = path.join(service, 'node_modules/.cache/sevra-atlas');

/**
 * Bundles the panel's own components into one script for the browser, as AdminJS's pages ask for it.
 * @returns where it lies, in the cache folder that tools use
 */
export async function bundleComponents(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    minify: true,
    charset: 'utf8',
    target: 'es2022',
    // React is a global of AdminJS's own bundles.
    jsx: 'transform',
    loader: { '.css': 'text' },
    logLevel: 'warning',
  });
  const target = path.join(CACHE, 'components.bundle.js');
  await mkdir(CACHE, { recursive: true });
  // Two processes may do this at once, and a third may be reading.
  const temporary = `${target}.${process.pid}`;
  await writeFile(temporary, outputFiles[0]?.contents ?? '');
  await rename(temporary, target);
  return target;
}
