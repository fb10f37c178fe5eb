#!/usr/bin/env bash
# usage: verify.sh BASE DIRECTORY        (both names under /base)
#
# Unpacks a base backup as a restore would and lets pg_verifybackup hold every file against backup_manifest, and read the WAL
# that makes it consistent. https://www.postgresql.org/docs/17/app-pgverifybackup.html
set -Eeuo pipefail
umask 077

main() {
  local base=/base/$1
  directory=/base/$2 # not local: the trap needs it after main has returned
  trap 'rm -rf "$directory"' EXIT
  rm -rf "$directory"
  mkdir -p "$directory/pg_wal"
  zstd -dcq "$base/base.tar.zst" | tar -xf - -C "$directory"
  tar -xf "$base/pg_wal.tar" -C "$directory/pg_wal"
  cp "$base/backup_manifest" "$directory/"
  pg_verifybackup --quiet --exit-on-error "$directory"
  sync -f "$base"
}

main "$@"
