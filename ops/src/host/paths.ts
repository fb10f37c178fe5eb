import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../../..');

/** Where things are on the server; every path is absolute. */
export const paths = {
  root,
  env: path.join(root, '.env'),
  envExample: path.join(root, '.env.example'),
  nginx: path.join(root, 'nginx'),
  uploads: path.join(root, 'uploads'),
  state: path.join(root, '.atlas'),
  lock: path.join(root, '.atlas/lock'),
  ledger: path.join(root, '.atlas/ledger.jsonl'),
  baseImages: path.join(root, 'compose/images/build.sh'),
} as const;
