#!/usr/bin/env bash
# usage: ops/ci/server.sh deploy TAG | rollback [TAG] | status | releases
#
# Asks the ops/ssh-gate of a server for one of its verbs, and shows what it answers. In the environment:
#   SSH_HOST           the server, as HOST or USER@HOST (USER is atlas otherwise); SSH_PORT, where it is not 22
#   SSH_PRIVATE_KEY    the key that the gate stands behind, as text
#   SSH_KNOWN_HOSTS    the server's host keys, lines of known_hosts; no other key is trusted
#   REGISTRY_USER and REGISTRY_TOKEN   for deploy and rollback: a login to the registry, for this once
#
# Exit codes: the verb's own; 2 nothing was asked, something here is wrong; 3 no answer, or none any more.
set -Eeuo pipefail
umask 077
export LC_ALL=C # in a pattern a letter is an ASCII letter

# What the trap for EXIT, which runs after main, must find.
keys=''
ssh_pid=''

usage() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# usage: refuse WHAT NEXT
refuse() {
  printf 'error: %s\n  state: nothing was asked of the server\n  next: %s\n' "$1" "$2" >&2
  exit 2
}

check_words() {
  # ops/ssh-gate checks the same again: here a mistake costs no connection.
  case $*,$# in
    deploy\ *,2 | rollback\ *,2)
      # https://docs.docker.com/reference/cli/docker/image/tag/
      [[ $2 =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || refuse "\"$2\" is not an image tag" "$1 a tag such as v1.2.3"
      ;;
    rollback,1 | status,1 | releases,1) ;;
    *) usage ;;
  esac
}

check_environment() {
  local name
  for name in SSH_HOST SSH_PRIVATE_KEY SSH_KNOWN_HOSTS; do
    [[ -n ${!name:-} ]] || refuse "$name is not set" "set it for this environment; README, From git push to the VPS"
  done
  [[ $SSH_HOST =~ ^([a-z_][a-z0-9_-]*@)?[A-Za-z0-9:][A-Za-z0-9.:-]*$ ]] ||
    refuse "SSH_HOST is neither HOST nor USER@HOST" 'correct it'
  [[ ${SSH_PORT:=22} =~ ^[0-9]{1,5}$ ]] || refuse 'SSH_PORT is not a port' 'correct it'
  [[ -z ${REGISTRY_TOKEN:-} || -n ${REGISTRY_USER:-} ]] || refuse 'REGISTRY_TOKEN without REGISTRY_USER' 'set both'
  [[ $SSH_HOST == *@* ]] || SSH_HOST=atlas@$SSH_HOST
}

# Keys lie in memory where that is possible, and are gone when this script is. What travels on is not in any
# child's environment.
write_keys() {
  local memory=/dev/shm
  [[ -w $memory ]] || memory=${TMPDIR:-/tmp}
  keys=$(mktemp -d "$memory/atlas-ssh.XXXXXX")
  # Text that was pasted into a form: it may have lost its last newline and found carriage returns.
  printf '%s\n' "${SSH_PRIVATE_KEY//$'\r'/}" >"$keys/id"
  printf '%s\n' "${SSH_KNOWN_HOSTS//$'\r'/}" >"$keys/known_hosts"
  export -n SSH_PRIVATE_KEY REGISTRY_TOKEN
  unset SSH_PRIVATE_KEY
}

clean_up() {
  [[ -z $ssh_pid ]] || kill "$ssh_pid" 2>/dev/null || true
  [[ -z $keys ]] || rm -rf -- "$keys"
}

# The gate reads one line, "USER TOKEN", or nothing.
login() {
  [[ $1 != @(deploy|rollback) || -z ${REGISTRY_TOKEN:-} ]] || printf '%s %s\n' "$REGISTRY_USER" "$REGISTRY_TOKEN"
}

# usage: ask WORD... - in the background, so that a signal is heard at once.
ask() {
  local code=0
  ssh -F /dev/null -T -i "$keys/id" -p "$SSH_PORT" \
    -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none \
    -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$keys/known_hosts" -o GlobalKnownHostsFile=/dev/null \
    -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o LogLevel=ERROR \
    -- "$SSH_HOST" "$*" < <(login "$@") &
  ssh_pid=$!
  wait "$ssh_pid" || code=$?
  ssh_pid=''
  # https://man.openbsd.org/ssh#EXIT_STATUS
  [[ $code == 255 ]] || return "$code"
  printf 'error: no answer from %s: the connection failed, or was cut\n' "$SSH_HOST" >&2
  printf '  state: a deploy or rollback that had begun goes on there, and finishes or undoes itself\n' >&2
  printf '  next: ops/ci/server.sh releases\n' >&2
  return 3
}

main() {
  check_words "$@"
  check_environment
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  write_keys
  ask "$@"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
