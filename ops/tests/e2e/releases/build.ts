import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Stack } from '../create-stack.ts';

/**
 * How a release can be bad: what its entry point does in one role before, or instead of, the real thing.
 * Everything else about it (settings check, migrations, worker) is what the image it is made from does.
 */
const BEHAVIOURS = {
  good: { role: 'none', code: '' },
  crashing: { role: 'api', code: "console.error('out of cheese'); process.exit(1);" },
  unready: {
    role: 'api',
    code: "const { createServer } = await import('node:http'); createServer((_, answer) => answer.writeHead(503).end('not yet')).listen(3000); await new Promise(() => {});",
  },
  /** Ready when asked directly, broken for whoever comes through nginx. */
  broken: { role: 'api', code: intercept("request.headers['x-forwarded-proto']") },
  /** Broken only for what the public check asks at the published port, so that clients notice nothing. */
  'broken-in-public': {
    role: 'api',
    code: intercept(
      "request.url === '/api/salons?limit=1' && !String(request.headers.host).endsWith(':8444')",
    ),
  },
  'crashing-worker': { role: 'worker', code: "console.error('out of paper'); process.exit(1);" },
  'picky-about-settings': {
    role: 'preflight',
    code: "console.error('SESSION_SECRET: malformed; expected a haiku'); process.exit(2);",
  },
};

export type Behaviour = keyof typeof BEHAVIOURS;

/** Answers 500 to the requests for which the condition holds, whatever the application would say. */
function intercept(condition: string): string {
  return `
    const http = (await import('node:http')).default;
    const { createServer } = http;
    http.createServer = (options, listener) => createServer(options, (request, answer) =>
      ${condition} ? answer.writeHead(500, { 'x-release': process.env.RELEASE }).end('no') : listener(request, answer));
    (await import('node:module')).syncBuiltinESMExports();`;
}

/** Builds a release from the image of another one (the running one by default), good or bad in one way. */
export async function buildRelease(
  { directory, project, settings, sh }: Pick<Stack, 'directory' | 'project' | 'settings' | 'sh'>,
  tag: string,
  behaviour: Behaviour = 'good',
  from = settings().IMAGE_TAG,
): Promise<void> {
  const { role, code } = BEHAVIOURS[behaviour];
  const context = path.join(directory, '.atlas/releases', tag);
  mkdirSync(context, { recursive: true });
  const entry = `if (process.argv[2] === '${role}' && process.argv.length === 3) { ${code} }\nawait import('/app/dist/main.js');\n`;
  writeFileSync(path.join(context, 'entry.mjs'), entry, { mode: 0o644 });
  const dockerfile = [
    `FROM ${project}:${from}`,
    `COPY --chmod=0644 entry.mjs /app/entry-${tag}.mjs`,
    `ENTRYPOINT ["node", "/app/entry-${tag}.mjs"]`,
  ];
  writeFileSync(path.join(context, 'Dockerfile'), dockerfile.join('\n'));
  const built = await sh('docker', 'build', '--quiet', '--tag', `${project}:${tag}`, context);
  if (built.exitCode !== 0) throw new Error(built.stderr);
}

export interface TestMigration {
  /** File name without extension; sorts after those of the service. */
  name: string;
  up: string;
  down: string;
  breaking?: boolean;
}

/** Builds a release of this checkout with migrations of its own: the real build, the real migrator. */
export async function buildReleaseWith(
  { directory, make }: Stack,
  tag: string,
  migrations: readonly TestMigration[],
): Promise<void> {
  const folder = path.join(directory, 'service/src/migrations');
  const index = path.join(folder, 'index.ts');
  const original = readFileSync(index, 'utf8');
  const files = migrations.map(({ name }) => path.join(folder, `${name}.ts`));
  try {
    migrations.forEach((migration, at) => {
      writeFileSync(files[at] ?? '', renderMigration(migration));
    });
    writeFileSync(index, addMigrations(original, migrations));
    const built = await make('image', { TAG: tag });
    if (built.exitCode !== 0) throw new Error(built.stderr);
  } finally {
    writeFileSync(index, original);
    for (const file of files) rmSync(file);
  }
}

function renderMigration({ up, down, breaking }: TestMigration): string {
  return [
    `import type { Knex } from 'knex';`,
    breaking ? 'export const config = { breaking: true };' : '',
    `export async function up(knex: Knex): Promise<void> { await knex.raw(\`${up}\`); }`,
    `export async function down(knex: Knex): Promise<void> { await knex.raw(\`${down}\`); }`,
  ].join('\n');
}

function addMigrations(index: string, migrations: readonly TestMigration[]): string {
  const imports = migrations.map(({ name }, at) => `import * as test${at} from './${name}.ts';`);
  const entries = migrations.map(({ name }, at) => `  ['${name}', test${at}],`);
  const changed = index.replace(/^\]\);$/m, `${entries.join('\n')}\n]);`);
  if (changed === index) throw new Error('migrations/index.ts does not end as it did');
  return `${imports.join('\n')}\n${changed}`;
}
