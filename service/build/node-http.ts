import type { Plugin } from 'esbuild';

/**
 * esbuild plugin that turns each `import` of node:http in the bundle into a require. As an ES module node:http
 * reads all of its exports, and WebSocket among them loads the whole of undici: a third of the processor
 * time that one `health` took, and that runs every few seconds.
 */
export function nodeHttpPlugin(): Plugin {
  return {
    name: 'node-http',
    setup(build) {
      build.onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
        kind === 'require-call'
          ? { path: 'node:http', external: true }
          : { path: 'node:http', namespace: 'node-http' },
      );
      build.onLoad({ filter: /./, namespace: 'node-http' }, () => ({
        contents: `module.exports = require('node:http');`,
        loader: 'js',
      }));
    },
  };
}
