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
readonly ahead=/tmp/ahead ahead_count=4 # where the next segments are made ready, and how many

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

# usage: find_file SYSTEM NAME DESTINATION [SUFFIX...] - false when there is none that is whole; one that is not is in $found
find_file() {
  local system=$1 name=$2 destination=$3 suffix directory
  found=''
  # Among epochs the newest, whose partial goes further.
  for suffix in "${@:4}"; do
    while read -r directory; do
      if take "$directory/$name$suffix" "$destination"; then return 0; fi
      found=$directory/$name$suffix
    done < <(find "$store" -path "$store/$system-*/$name$suffix" -printf '%h\n' | sort -rV)
  done
  return 1
}

# usage: next_name NAME - of the segment that follows; https://www.postgresql.org/docs/17/wal-internals.html
next_name() {
  local log=$((16#${1:8:8})) segment=$((16#${1:16:8} + 1))
  if ((segment > 16#FF)); then ((segment = 0, ++log)); fi
  printf '%s%08X%08X' "${1:0:8}" "$log" "$segment"
}

# usage: fetch_ahead SYSTEM NAME - makes those after it ready, as far as they are whole. Postgres asks for one at a
# time, waits, and only then replays: so the next ones are unpacked while it does that.
fetch_ahead() {
  local system=$1 name=$2 ready found
  exec 9>"$ahead/lock"
  flock -n 9 || return 0
  for ready in "$ahead"/[0-9A-F]*; do [[ ${ready##*/} > $name ]] || rm -f "$ready"; done
  while ready=$(find "$ahead" -name '[0-9A-F]*' | wc -l) && ((ready < ahead_count)); do
    name=$(next_name "$name")
    [[ ! -e $ahead/$name ]] || continue
    find_file "$system" "$name" "$ahead/.new" .zst '' || break
    mv "$ahead/.new" "$ahead/$name"
  done
  rm -f "$ahead/.new"
}

main() {
  local name=$1 destination=$2 system found=''
  trap 'exit "$damaged"' ERR
  system=$(system_identifier)
  [[ -n $system ]] || fail 'pg_controldata does not say which cluster this is'
  mkdir -p "$ahead"
  # First what is known to be whole.
  if ! mv "$ahead/$name" "$destination" 2>/dev/null && ! find_file "$system" "$name" "$destination" .zst '' .partial; then
    rm -f "$destination"
    [[ -z $found ]] || fail "$found is damaged, or cannot be copied"
    exit "$absent"
  fi
  [[ $name == *.history ]] || fetch_ahead "$system" "$name" </dev/null >/dev/null 2>&1 &
}

main "$@"
