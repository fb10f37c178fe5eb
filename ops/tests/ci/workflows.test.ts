import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { validate } from '@actions/languageservice';
import { expect } from 'chai';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parse } from 'yaml';
import { check, RULES, root } from './workflow-rules.ts';

const directory = path.join(root, '.github/workflows');
const names = readdirSync(directory);
const read = (name: string) => readFileSync(path.join(directory, name), 'utf8');

let linted = 0;

/** What GitHub's own parser has against a workflow. It remembers what it has read by address: each needs its own. */
async function lint(text: string): Promise<string[]> {
  linted += 1;
  const document = TextDocument.create(`file:///.github/workflows/${linted}.yml`, 'yaml', 1, text);
  return (await validate(document)).map(({ range, message }) => `${range.start.line + 1}: ${message}`);
}

/** The text with one thing changed. */
function mutate(name: string, from: string | RegExp, to: string): string {
  const text = read(name);
  const mutated = text.replace(from, to);
  expect(mutated, `${from} is not in ${name}`).not.to.equal(text);
  return mutated;
}

describe('the workflows', () => {
  it('are there', () => {
    expect(names).to.have.members(['ci.yml', 'release.yml', 'rollback.yml']);
  });

  for (const name of names) {
    it(`${name} is valid for GitHub`, async () => {
      expect(await lint(read(name))).to.deep.equal([]);
    });
    for (const rule of Object.keys(RULES))
      it(`${name}: ${rule}`, () => {
        expect(check(rule, read(name))).to.deep.equal([]);
      });
  }

  describe('are refused by the linter', () => {
    for (const [what, name, from, to, message] of [
      ['with a trigger that is none', 'ci.yml', 'pull_request:', 'pul_request:', /pul_request/],
      ['with a job that needs none', 'release.yml', 'needs: image', 'needs: images', /images/],
      ['with an output of no step', 'release.yml', 'steps.tag.outputs', 'steps.tags.outputs', /tags/],
      ['with a misspelt context', 'release.yml', '{{ vars.SSH_HOST', '{{ var.SSH_HOST', /var/],
      ['with a permission that is none', 'release.yml', 'packages: write', 'packages: push', /push/],
      [
        'with an expression that does not end',
        'rollback.yml',
        'inputs.tag }}',
        'inputs.tag',
        /closed|closing/,
      ],
    ] as const)
      it(what, async () => {
        expect((await lint(mutate(name, from, to))).join('\n')).to.match(message);
      });
  });

  describe('break a rule', () => {
    const cases: [rule: RegExp, name: string, from: string | RegExp, to: string][] = [
      [/^actions/, 'ci.yml', /@[0-9a-f]{40} # v[\d.]+/, '@v7'],
      [/^actions/, 'ci.yml', / # v[\d.]+/, ''],
      [/^nothing/, 'ci.yml', 'permissions: {}\n', ''],
      [/^nothing/, 'release.yml', 'permissions: {}\n', 'permissions: write-all\n'],
      [/^nothing/, 'ci.yml', / {4}permissions:\n {6}contents: read\n/, ''],
      [/^nothing/, 'release.yml', 'packages: read', 'packages: write'],
      [/^nothing/, 'release.yml', 'contents: read', 'contents: write'],
      [/^a checkout/, 'ci.yml', / +with:\n +persist-credentials: false\n/, ''],
      [/^a checkout/, 'ci.yml', 'credentials: false', 'credentials: true'],
      [/^no expression/, 'rollback.yml', /rollback \$\{TAG.*/, `rollback \${{ inputs.tag }}`],
      [/^whoever/, 'ci.yml', 'pull_request:', 'pull_request_target:'],
      [/^one deploy/, 'release.yml', 'cancel-in-progress: false', 'cancel-in-progress: true'],
      [/^one deploy/, 'release.yml', /group: deploy-.*/, `group: release`],
      [/^one deploy/, 'rollback.yml', / {4}concurrency:\n.*\n.*\n/, ''],
      [/^an environment/, 'release.yml', / {4}environment:\n +name.*\n +url.*\n/, ''],
      [/^an environment/, 'rollback.yml', /TAG: .*/, `TAG: \${{ secrets.SSH_PRIVATE_KEY }}`],
      [/^every job/, 'release.yml', / +timeout-minutes: 60\n/, ''],
      [/^what a step/, 'ci.yml', 'make lint', 'make lnt'],
      [/^what a step/, 'release.yml', 'ops/ci/server.sh', 'ops/ci/deploy.sh'],
    ];
    for (const [pattern, name, from, to] of cases) {
      const rule = Object.keys(RULES).find((one) => pattern.test(one)) ?? '';
      it(`${rule}: ${name} with ${to.trim() || 'nothing'} for ${from}`, () => {
        expect(check(rule, mutate(name, from, to))).not.to.deep.equal([]);
      });
    }

    it('each of them', () => {
      for (const rule of Object.keys(RULES))
        expect(
          cases.some(([pattern]) => pattern.test(rule)),
          rule,
        ).to.equal(true);
    });
  });
});

describe('dependabot', () => {
  it('looks where there is something of that kind', () => {
    const { updates } = parse(readFileSync(path.join(root, '.github/dependabot.yml'), 'utf8'));
    const files: Record<string, string> = {
      npm: 'package-lock.json',
      'github-actions': '.github/workflows/ci.yml',
      docker: 'Dockerfile',
    };
    const found = (updates as { 'package-ecosystem': string; directory: string }[]).map((update) => {
      const kind = update['package-ecosystem'];
      expect(existsSync(path.join(root, update.directory, files[kind] ?? 'none')), kind).to.equal(true);
      return kind;
    });
    expect(found).to.have.members(['npm', 'github-actions', 'docker']);
  });
});
