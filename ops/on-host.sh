#!/usr/bin/env bash
# usage: ops/on-host.sh USER@HOST VERB [WORD...]        (make VERB HOST=user@vps)
#
# Runs a verb of ops/atlas on another machine, in its /opt/sevra-atlas, over SSH: as root, through sudo for any other user.
# With a terminal here there is one there. The host key must be known already: to ssh, or in the file that KNOWN_HOSTS
# names, and then there alone.
#
# Exit codes: those of the verb; 255 when ssh could not do it; 2 for what cannot be asked from here.
set -Eeuo pipefail

directory=/opt/sevra-atlas

fail_usage() {
  printf 'error: %s\n  state: nothing was changed\n' "$1" >&2
  exit 2
}

main() {
  local host=${1:-} word options=(-o StrictHostKeyChecking=yes)
  (($# >= 2)) || fail_usage "$(sed -n '2s/^# //p' "${BASH_SOURCE[0]}")"
  [[ $host =~ ^([A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9_\[][][A-Za-z0-9_.:%-]*$ ]] || fail_usage "HOST=$host is not user@host"
  shift
  # A shell over there reads them: what it would read differently is refused, not quoted.
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_.,:/@+=%-]+$ ]] || fail_usage "\"$word\" cannot be asked for over SSH: only letters, digits and ._,:/@+=%-"
  done
  [[ $1 != dev && $1 != image ]] || fail_usage "$1 works on this checkout, not on another machine's: without HOST="
  if [[ -n ${KNOWN_HOSTS:-} ]]; then
    [[ -f $KNOWN_HOSTS ]] || fail_usage "KNOWN_HOSTS=$KNOWN_HOSTS: there is no such file"
    options+=(-o "UserKnownHostsFile=\"$KNOWN_HOSTS\"" -o GlobalKnownHostsFile=/dev/null)
  fi
  [[ ! -t 0 || ! -t 1 ]] || options+=(-t)
  # shellcheck disable=SC2029 # the words are for the shell over there
  exec ssh "${options[@]}" -- "$host" \
    "cd $directory && if [ \"\$(id -u)\" = 0 ]; then exec ops/atlas $*; else exec sudo ops/atlas $*; fi"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
