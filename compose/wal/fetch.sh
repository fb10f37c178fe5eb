#!/usr/bin/env bash
# usage: fetch.sh NAME DESTINATION        (restore_command = 'bash /etc/wal-atlas/fetch.sh %f %p')
#
# Finds a segment or a history file of this cluster in any epoch under /wal and copies it. 1: there is none, which for
# postgres is the end of the WAL. 200: there is one and it cannot be had; above 125 recovery stops instead of ending there.
# https://www.postgresql.org/docs/17/continuous-archiving.html#BACKUP-PITR-RECOVERY
set -Eeuo pipefail
umask 077
export LC_ALL=C

readonly store=/wal absent=1 damaged=200 segment_bytes=16777216

fail() {
  printf 'error: %s\n' "$1" >&2
  exit "$damaged"
}

# The cluster that recovers; its data directory is where postgres runs restore_command.
system_identifier() {
  pg_controldata -D . | sed -n 's/^Database system identifier: *//p'
}

# usage: check FILE - against the last line of its name in SHA256SUMS, if there is one
check() {
  local sums=${1%/*}/SHA256SUMS wanted='' found
  if [[ -e $sums ]]; then wanted=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]${1##*/}\$/\1/p" "$sums" | tail -n 1); fi
  [[ -n $wanted ]] || return 0
  found=$(sha256sum <"$1")
  [[ ${found%% *} == "$wanted" ]]
}

# usage: take FILE DESTINATION - false when it is damaged
take() {
  local file=$1 destination=$2
  check "$file" || return 1
  case $file in
    *.zst) zstd -dqf "$file" -o "$destination" || return 1 ;;
    *) cp "$file" "$destination" || return 1 ;;
  esac
  case $file in
    *.history) return 0 ;;
    # Whatever comes after the last record is not looked at, but postgres wants the size.
    *.partial) (($(stat -c %s "$destination") > segment_bytes)) || truncate -s "$segment_bytes" "$destination" ;;
  esac
  (($(stat -c %s "$destination") == segment_bytes))
}

main() {
  local name=$1 destination=$2 system suffix directory found=''
  trap 'exit "$damaged"' ERR
  system=$(system_identifier)
  [[ -n $system ]] || fail 'pg_controldata does not say which cluster this is'
  # First what is known to be whole; among epochs the newest, whose partial goes further.
  for suffix in .zst '' .partial; do
    while read -r directory; do
      if take "$directory/$name$suffix" "$destination"; then exit 0; fi
      found=$directory/$name$suffix
    done < <(find "$store" -path "$store/$system-*/$name$suffix" -printf '%h\n' | sort -rV)
  done
  rm -f "$destination"
  [[ -z $found ]] || fail "$found is damaged, or cannot be copied"
  exit "$absent"
}

main "$@"
