import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ASSETS, type AssetSource } from './asset-list.ts';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The root folder of a package, whatever its main file is. */
function packageRoot(name: string, from: string): string {
  const main = createRequire(from).resolve(name);
  const folder = path.join('node_modules', name, '/');
  return main.slice(0, main.lastIndexOf(folder) + folder.length);
}

async function sourcePath({ from, file }: AssetSource): Promise<string> {
  if (from === 'bundled') {
    // From sources only, where esbuild is: a name in a variable keeps it out of the service's own bundle.
    const builder = new URL('../../build/components.ts', import.meta.url).href;
    return (await import(builder)).bundleComponents();
  }
  if (from === 'atlas') return path.join(here, 'assets', file);
  const adminjs = packageRoot('adminjs', import.meta.url);
  // The design system is adminjs's own dependency: ask for it from there, so that the versions match.
  const root = from === 'adminjs' ? adminjs : packageRoot(from, path.join(adminjs, 'index.js'));
  return path.join(root, file);
}

/** Asset name -> file, as the sources and node_modules have them. */
export async function sourceAssets(): Promise<Map<string, string>> {
  const files = Object.entries(ASSETS).map(
    async ([name, source]) => [name, await sourcePath(source)] as const,
  );
  return new Map(await Promise.all(files));
}

/** Asset name -> file: the copies beside the bundle when this runs from one, else the sources. */
export async function assetFiles(): Promise<Map<string, string>> {
  const copies = path.join(here, 'admin-assets');
  if (!existsSync(copies)) return sourceAssets();
  return new Map(Object.keys(ASSETS).map((name) => [name, path.join(copies, name)]));
}
