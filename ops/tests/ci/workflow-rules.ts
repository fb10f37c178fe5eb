// What every workflow of this repository keeps to.
// https://docs.github.com/en/actions/reference/security/secure-use
import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export const root = path.resolve(import.meta.dirname, '../../..');

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}

interface Job {
  uses?: string;
  permissions?: unknown;
  environment?: { name: string };
  concurrency?: { group: string; 'cancel-in-progress': unknown };
  'timeout-minutes'?: number;
  env?: Record<string, string>;
  steps?: Step[];
}

interface Workflow {
  on: Record<string, unknown>;
  permissions?: unknown;
  jobs: Record<string, Job>;
}

/** The only permissions beyond reading, by job. */
const MAY_WRITE: Record<string, readonly string[]> = { image: ['packages'] };

type Rule = (workflow: Workflow, text: string) => string[];

/** Every rule by its name; each returns what is against it. */
export const RULES: Record<string, Rule> = {
  'actions are pinned by commit, with the version in a comment': (_, text) =>
    [...text.matchAll(/\buses: (.*)$/gm)]
      .map(([, value]) => value ?? '')
      .filter((value) => !/^(\.\/\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/.test(value)),

  'nothing is permitted at the top, and each job says what it needs': ({ permissions, jobs }) => [
    ...(JSON.stringify(permissions) === '{}' ? [] : ['the top']),
    ...Object.entries(jobs).flatMap(([name, job]) =>
      job.permissions && typeof job.permissions === 'object'
        ? Object.entries(job.permissions)
            .filter(([scope, access]) => access !== 'read' && !MAY_WRITE[name]?.includes(scope))
            .map(([scope]) => `${name}: ${scope}`)
        : [name],
    ),
  ],

  'a checkout leaves no credentials': (workflow) =>
    steps(workflow)
      .filter(
        ({ uses, with: inputs }) => /checkout@/.test(uses ?? '') && inputs?.['persist-credentials'] !== false,
      )
      .map(({ uses }) => uses ?? ''),

  'no expression is pasted into a script': (workflow) =>
    steps(workflow).flatMap(({ run }) => (run?.includes('${{') ? [run] : [])),

  'whoever may write code from outside starts nothing with our rights': ({ on }) =>
    Object.keys(on).filter((event) => /^(pull_request_target|workflow_run|issue_comment)$/.test(event)),

  'one deploy at a time for each environment, and none is cut off': ({ jobs }) =>
    Object.entries(jobs)
      .filter(([, { environment, concurrency }]) => {
        if (!environment) return false;
        const isAlone = concurrency?.group === `deploy-${environment.name}`;
        return !isAlone || concurrency?.['cancel-in-progress'] !== false;
      })
      .map(([name]) => name),

  "an environment's secrets go to single steps of jobs in it": ({ jobs }) =>
    Object.entries(jobs).flatMap(([name, job]) =>
      [
        ...secretsIn({ ...job, steps: [] }),
        ...(job.steps ?? []).flatMap((step) => [
          ...secretsIn({ ...step, env: {} }),
          ...(job.environment ? [] : secretsIn(step).filter((one) => one !== 'secrets.GITHUB_TOKEN')),
        ]),
      ].map((secret) => `${name}: ${secret}`),
    ),

  'every job ends': ({ jobs }) =>
    Object.entries(jobs)
      .filter(([, job]) => !job.uses && !job['timeout-minutes'])
      .map(([name]) => name),

  'what a step runs is in the repository': (workflow) => {
    const targets = readFileSync(path.join(root, 'Makefile'), 'utf8');
    return steps(workflow).flatMap(({ run = '' }) => [
      ...[...run.matchAll(/\bmake ([a-z-]+)/g)]
        .map(([, target]) => target ?? '')
        .filter((target) => !new RegExp(`^${target}:`, 'm').test(targets)),
      ...[...run.matchAll(/\bops\/[\w./-]+/g)].map(([file]) => file).filter((file) => !isExecutable(file)),
    ]);
  },
};

/** What in the workflow is against the rule. */
export function check(rule: string, text: string): string[] {
  return RULES[rule]?.(parse(text) as Workflow, text) ?? ['no such rule'];
}

const steps = ({ jobs }: Workflow) => Object.values(jobs).flatMap((job) => job.steps ?? []);

const secretsIn = (value: unknown) =>
  JSON.stringify(value).match(/\bsecrets(\.\w+|\[[^\]]*\])|\bsecrets: inherit/g) ?? [];

function isExecutable(file: string): boolean {
  try {
    accessSync(path.join(root, file), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
