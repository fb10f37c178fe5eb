#!/bin/sh
# Like the official image's: `node` in front of a flag, a script or anything else that is not a command.
set -eu

case ${1:-} in
  '') ;;
  -*) set -- node "$@" ;;
  *) if ! command -v -- "$1" >/dev/null || { [ -f "$1" ] && ! [ -x "$1" ]; }; then set -- node "$@"; fi ;;
esac
exec "$@"
