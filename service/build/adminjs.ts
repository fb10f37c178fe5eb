import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Plugin } from 'esbuild';
import { sourceAssets } from '../src/admin/asset-files.ts';

/** Edits of one file of adminjs: each text that must be there, and what takes its place. */
interface Edits {
  file: RegExp;
  replace: [find: string, put: string][];
}

async function serverEdits(): Promise<Edits[]> {
  return [
    {
      // Its list of files, which we do not use, looks for a package that is not beside a bundle.
      file: /adminjs\/lib\/backend\/utils\/router\/router\.js$/,
      replace: [
        ['src: resolveDesignSystemBundle()', `src: 'unused'`],
        [`const __dirname = url.fileURLToPath(new URL('.', import.meta.url));`, ''],
        // biome-ignore lint/suspicious/noTemplateCurlyInString: their source, not our template
        ['`${__dirname}/../lib/../../../frontend/assets/`', `'unused'`],
      ],
    },
    {
      // Would read the package.json of whatever folder the bundle lies in.
      file: /adminjs\/lib\/adminjs\.js$/,
      replace: [
        [`const __dirname = url.fileURLToPath(new URL('.', import.meta.url));`, ''],
        [
          `JSON.parse(fs.readFileSync(path.join(__dirname, '../package.json'), 'utf-8'))`,
          JSON.stringify({ version: await adminjsVersion() }),
        ],
      ],
    },
  ];
}

async function adminjsVersion(): Promise<string> {
  const app = (await sourceAssets()).get('app.bundle.js') ?? '';
  const root = app.slice(0, app.lastIndexOf(`${path.sep}lib${path.sep}frontend`));
  return JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')).version;
}

/**
 * esbuild plugin that lets the service be bundled with AdminJS in it: what bundles components at run time
 * (rollup, babel: 60 MB) is left out, and the places that look for adminjs's own folder are answered here,
 * which also keeps its `__dirname`s from meeting the one that a bundle's banner declares for old modules.
 * A new version of adminjs that looks different fails the build.
 *
 * The build needs `keepNames` too: @adminjs/koa checks that the class is called AdminJS.
 */
export function adminjsServerPlugin(): Plugin {
  return {
    name: 'adminjs-server',
    async setup(build) {
      const bundlers = /adminjs\/lib\/backend\/bundler\/(app|components|globals)\.bundler\.js$/;
      build.onLoad({ filter: bundlers }, () => ({
        contents: `const refuse = () => { throw new Error('The panel is bundled with the image'); };
          export default { createEntry: refuse, build: refuse, watch: refuse, getOutput: refuse };`,
        loader: 'js',
      }));
      for (const { file, replace } of await serverEdits()) {
        build.onLoad({ filter: file }, async (args) => {
          let contents = await readFile(args.path, 'utf8');
          for (const [find, put] of replace) {
            if (!contents.includes(find))
              return { errors: [{ text: `Expected to find ${find} in ${args.path}` }] };
            contents = contents.replace(find, () => put);
          }
          return { contents, loader: 'js' };
        });
      }
    },
  };
}

/** Copies the panel's front-end files to `<outdir>/admin-assets`, each with a brotli twin beside it. */
export async function copyAdminAssets(outdir: string): Promise<void> {
  const target = path.join(outdir, 'admin-assets');
  await mkdir(target, { recursive: true });
  for (const [name, file] of await sourceAssets()) {
    await copyFile(file, path.join(target, name));
    const packed = await promisify(brotliCompress)(await readFile(file), {
      params: { [constants.BROTLI_PARAM_QUALITY]: 9 },
    });
    await writeFile(path.join(target, `${name}.br`), packed);
  }
}
