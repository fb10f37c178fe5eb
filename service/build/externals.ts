import { cpSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Packages with native code: they stay folders beside the bundle. */
export const externals = ['sharp', '@node-rs/argon2'];

/**
 * Copies the external packages and what they need, as installed from the lockfile, to `<outdir>/node_modules`.
 * Optional dependencies for other platforms are not installed and so not copied.
 */
export function copyExternals(root: string, outdir: string): void {
  const done = new Set<string>();
  const copy = (name: string, from: string): void => {
    const source = find(name, from);
    if (!source || done.has(name)) return;
    done.add(name);
    cpSync(source, join(outdir, 'node_modules', name), { recursive: true, dereference: true });
    for (const needed of dependenciesOf(source)) copy(needed, source);
  };
  for (const name of externals) copy(name, root);
}

function dependenciesOf(folder: string): string[] {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  return Object.keys({ ...dependencies, ...optionalDependencies });
}

/** Looks where Node looks: in node_modules of `from` and of every folder above it. */
function find(name: string, from: string): string | undefined {
  const candidate = join(from, 'node_modules', name);
  if (existsSync(candidate)) return candidate;
  return dirname(from) === from ? undefined : find(name, dirname(from));
}
