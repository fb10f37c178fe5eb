import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { adminjsServerPlugin, copyAdminAssets } from './build/adminjs.ts';
import { copyExternals, externals } from './build/externals.ts';
import { cheapenNames } from './build/keep-names.ts';
import { nodeHttpPlugin } from './build/node-http.ts';

const root = import.meta.dirname;
const outdir = join(root, 'dist');

// Drivers that knex and BullMQ would load if somebody chose them.
const unusedDrivers = ['pg-native', 'mysql', 'mysql2', 'sqlite3', 'better-sqlite3', 'oracledb', 'tedious'];
const unusedClients = [
  'pg-query-stream',
  'mariadb',
  'mariadb/callback',
  'redis',
  'bullmq-otel',
  '@valkey/valkey-glide',
];

// CommonJS inside an ES module still asks for these three.
const commonJs = `
import { createRequire as __createRequire } from 'node:module';
import { fileURLToPath as __toPath } from 'node:url';
import { dirname as __toDirectory } from 'node:path';
const require = __createRequire(import.meta.url);
const __filename = __toPath(import.meta.url);
const __dirname = __toDirectory(__filename);`;

rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // One chunk per role and one for the admin panel: each is loaded when it is needed.
  splitting: true,
  // AdminJS looks at class names.
  keepNames: true,
  minifySyntax: true,
  minifyWhitespace: true,
  external: [...externals, ...unusedDrivers, ...unusedClients],
  plugins: [adminjsServerPlugin(), nodeHttpPlugin()],
  banner: { js: commonJs },
  logLevel: 'warning',
});
cheapenNames(outdir);
await copyAdminAssets(outdir);
copyExternals(root, outdir);
