#!/bin/sh
# Like the official image's: before nginx starts, run what /docker-entrypoint.d holds, in order.
# *.sh are run, *.envsh are sourced (later hooks see what they export); both must be executable.
set -eu

say() {
  [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"
}

run_hooks() {
  # sh sorts a glob by name; names hold no newlines in a directory that an image or a mount fills.
  for hook in /docker-entrypoint.d/*; do
    case $hook in
      *.envsh | *.sh) [ -x "$hook" ] || { say "ignoring $hook, not executable"; continue; } ;;
      *) continue ;;
    esac
    say "running $hook"
    # shellcheck source=/dev/null # whatever is mounted there
    case $hook in
      *.envsh) . "$hook" ;;
      *) "$hook" ;;
    esac
  done
}

case ${1:-} in
  nginx | nginx-debug) run_hooks ;;
esac
exec "$@"
