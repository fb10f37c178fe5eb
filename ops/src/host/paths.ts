import path from 'node:path';

// The launcher says where it lies, because what it runs may be a bundle elsewhere.
const root = process.env.OPS_ROOT ?? path.resolve(import.meta.dirname, '../../..');

/** Where things are on the server; every path is absolute. */
export const paths = {
  root,
  env: path.join(root, '.env'),
  envExample: path.join(root, '.env.example'),
  nginx: path.join(root, 'nginx'),
  uploads: path.join(root, 'uploads'),
  state: path.join(root, '.atlas'),
  lock: path.join(root, '.atlas/lock'),
  lockHolder: path.join(root, '.atlas/lock.holder'),
  /** What a changing verb is in the middle of; only one that was killed leaves it behind. */
  journal: path.join(root, '.atlas/in-progress.json'),
  /** What a restore is in the middle of. */
  restoreMark: path.join(root, '.atlas/restoring.json'),
  /** A move of the checkout that is decided and not done yet; see ops/move-checkout.sh. */
  checkoutMove: path.join(root, '.atlas/checkout'),
  /** Where the checkout was before the deploy that is under way. */
  checkoutDeparture: path.join(root, '.atlas/checkout-from.json'),
  /** Settings that a release knew which ran here before. */
  knownKeys: path.join(root, '.atlas/known-keys.json'),
  /** What each image said when it was asked. */
  images: path.join(root, '.atlas/images'),
  /** Mounted into nginx: its configuration, which containers serve, and the number of that list. */
  nginxRelease: path.join(root, '.atlas/nginx'),
  upstream: path.join(root, '.atlas/nginx/upstream.conf'),
  /** Mounted into certbot: the certificate of a CA that the world does not know. */
  authority: path.join(root, '.atlas/certbot/ca.pem'),
  /** The same: the operator's own certificate with its key. */
  ownCertificate: path.join(root, '.atlas/certbot/own.pem'),
  maintenance: path.join(root, '.atlas/nginx/maintenance.conf'),
  /** Mounted into the api: what the admin panel shows of this server. */
  panelStatus: path.join(root, '.atlas/panel/status.json'),
  generation: path.join(root, '.atlas/nginx/generation.conf'),
  backups: path.join(root, 'backups'),
  /** What the jobs of cron said, and how each ended last. */
  cronLogs: path.join(root, '.atlas/log'),
  hooks: path.join(root, 'ops/hooks'),
  ledger: path.join(root, '.atlas/ledger.jsonl'),
  /** What the bucket for backups has, and how far behind it is. */
  offsite: path.join(root, '.atlas/offsite'),
  offsiteLock: path.join(root, '.atlas/offsite.lock'),
  /** Incidents that are open, and whether the operator was told. */
  alerts: path.join(root, '.atlas/alerts.json'),
  alertsLock: path.join(root, '.atlas/alerts.lock'),
  baseImages: path.join(root, 'compose/images/build.sh'),
} as const;
