#!/usr/bin/env bash
# usage: extract.sh DIRECTORY BASE [DIFFERENCE...]
#
# Makes a data directory of a base backup and the differences to it (ids under /base, oldest first), ready to recover:
# every backup_manifest is held against the files before they are put together, because pg_combinebackup takes
# damaged ones without a word (https://www.postgresql.org/docs/17/app-pgcombinebackup.html).
set -Eeuo pipefail
umask 077

# shellcheck source=compose/wal/unpack.sh
. "${BASH_SOURCE[0]%/*}/unpack.sh"

main() {
  local target=$1 id parts=()
  shift
  rm -rf "$target" "$target".part-*
  if (($# == 1)); then
    unpack "$1" "$target"
  else
    for id; do
      unpack "$id" "$target.part-$id"
      pg_verifybackup --quiet --exit-on-error "$target.part-$id"
      parts+=("$target.part-$id")
    done
    pg_combinebackup "${parts[@]}" -o "$target"
    rm -rf "${parts[@]}"
  fi
  chmod 0700 "$target"
  # What could aim a recovery elsewhere, or make the copy stream from somebody.
  rm -f "$target"/{standby.signal,recovery.signal,postmaster.pid}
  : >"$target/recovery.signal"
}

main "$@"
