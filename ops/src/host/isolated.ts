/** Where the volume of a cluster lies in a container; clusters are directories in it. */
export const VOLUME_ROOT = '/var/lib/postgresql/data';

/** Options of `docker run` for the postgres image, so that nobody reaches the container and it can write to its mounts alone. */
export const ISOLATED = [
  ...['--network', 'none', '--user', '999:999', '--read-only', '--cap-drop', 'ALL'],
  ...['--security-opt', 'no-new-privileges:true'],
];

/** The same for one in which a server runs. */
export const ISOLATED_SERVER = [
  ...[...ISOLATED, '--init', '--shm-size', '128m', '--tmpfs', '/tmp:mode=1777,size=128m'],
  ...['--tmpfs', '/var/run/postgresql:uid=999,gid=999,mode=0775,size=1m'],
];
