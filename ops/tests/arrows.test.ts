import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { execa } from 'execa';

const root = path.resolve(import.meta.dirname, '../..');

// Each of the design's arrows once where it forbids and once where it allows.
const CASES: [file: string, specifier: string, forbidden: boolean][] = [
  ['service/src/http/x.ts', '../../../ops/src/main.ts', true],
  ['service/src/http/x.ts', '../config.ts', true],
  ['service/src/http/x.ts', '../db/salons.ts', false],
  ['service/src/db/x.ts', '../http/app.ts', true],
  ['service/src/cache/x.ts', '../jobs/queues.ts', true],
  ['service/src/storage/x.ts', '../config.ts', true],
  ['service/src/api.ts', './config.ts', false],
  ['ops/src/commands/x.ts', '../../../service/src/config.ts', true],
  ['ops/src/commands/x.ts', 'node:child_process', true],
  ['ops/src/commands/x.ts', '../host/exec.ts', false],
  ['ops/src/host/x.ts', '../commands/deploy.ts', true],
  ['ops/src/host/x.ts', 'execa', false],
  ['ops/src/plan/x.ts', 'node:fs', true],
  ['ops/src/plan/x.ts', '../host/exec.ts', true],
  ['ops/src/plan/x.ts', './containers.ts', false],
];

/** Lints a tree of its own with one file per case under the project's rules. @returns the files they refuse */
async function findForbidden(): Promise<Set<string>> {
  const directory = mkdtempSync(path.join(tmpdir(), 'atlas-arrows-'));
  try {
    const configuration = JSON.parse(readFileSync(path.join(root, 'biome.json'), 'utf8'));
    // No git here; everything else as it is.
    writeFileSync(path.join(directory, 'biome.json'), JSON.stringify({ ...configuration, vcs: undefined }));
    CASES.forEach(([file, specifier], index) => {
      const target = path.join(directory, fileOf(file, index));
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, `import '${specifier}';\n`);
    });
    const biome = path.join(root, 'node_modules/.bin/biome');
    const result = await execa(biome, ['lint', '--colors=off', '--max-diagnostics=none'], {
      cwd: directory,
      reject: false,
      all: true,
    });
    const refused = result.all.matchAll(/^(\S+?):\d+:\d+ lint\/style\/noRestrictedImports/gm);
    return new Set([...refused].map(([, file]) => file ?? ''));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const fileOf = (file: string, index: number) => file.replace(/x?\.ts$/, `case-${index}.ts`);

describe('the import arrows', () => {
  let forbidden: Set<string>;

  before(async () => {
    forbidden = await findForbidden();
  });

  CASES.forEach(([file, specifier, isForbidden], index) => {
    it(`${file} ${isForbidden ? 'may not' : 'may'} import ${specifier}`, () => {
      expect(forbidden.has(fileOf(file, index))).to.equal(isForbidden);
    });
  });
});
