#!/usr/bin/env bash
# usage: verify.sh BASE DIRECTORY        (both names under /base)
#
# Unpacks a base backup as a restore would and lets pg_verifybackup hold every file against backup_manifest, and read the WAL
# that makes it consistent. https://www.postgresql.org/docs/17/app-pgverifybackup.html
set -Eeuo pipefail
umask 077

# shellcheck source=compose/wal/unpack.sh
. "${BASH_SOURCE[0]%/*}/unpack.sh"

main() {
  directory=/base/$2 # not local: the trap needs it after main has returned
  trap 'rm -rf "$directory"' EXIT
  rm -rf "$directory"
  unpack "$1" "$directory"
  pg_verifybackup --quiet --exit-on-error "$directory"
  sync -f "/base/$1"
}

main "$@"
