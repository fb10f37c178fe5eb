#!/bin/sh
# Entry point of the service: what must be sure before the image's own may look at the data directory.
# The volume holds the cluster in a directory of its own, so that a restore can put another in its place by a rename.
set -eu
volume=$(dirname "$PGDATA")

# A volume from before that: the cluster lay in it directly. PG_VERSION goes last, so that this can be killed and run again.
if [ -s "$volume/PG_VERSION" ] && [ ! -e "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA"
  find "$volume" -mindepth 1 -maxdepth 1 ! -name "${PGDATA##*/}" ! -name PG_VERSION \
    -exec mv '{}' "$PGDATA/" ';'
  mv "$volume/PG_VERSION" "$PGDATA/"
fi

# A restore was killed between its two renames: the first of them said what was wanted.
if [ ! -e "$PGDATA" ] && [ -s "$volume/next/PG_VERSION" ]; then
  mv "$volume/next" "$PGDATA"
fi

# The image would make a new, empty cluster and the site would look as if nobody had ever used it. Where WAL of an earlier one
# lies, that is never what is wanted.
if [ ! -s "$PGDATA/PG_VERSION" ] && ls /wal/*/epoch.json >/dev/null 2>&1; then
  echo 'error: the data directory of postgres is empty, and backups/wal holds the WAL of a cluster that was here' >&2
  echo 'state: nothing was changed; no new cluster is made' >&2
  echo 'next:  make restore LATEST=1 brings it back to its last second; to begin anew instead, move backups/wal away' >&2
  sleep 5 # so that the log stays readable while the engine tries again and again
  exit 1
fi

exec docker-entrypoint.sh "$@"
