import { join } from 'node:path';
import { expect } from 'chai';
import { build } from 'esbuild';
import { nodeHttpPlugin } from '../../build/node-http.ts';

describe('bundle', () => {
  it('requires node:http where an import would load undici', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [join(import.meta.dirname, '../../src/http/server.ts')],
      ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external' },
      ...{ write: false, metafile: true, plugins: [nodeHttpPlugin()] },
    });
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
    // Fails without the plugin (tried).
    expect(imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path)).to.not.include(
      'node:http',
    );
    expect(outputFiles[0]?.text).to.match(/require\w*\("node:http"\)/);
  });
});
