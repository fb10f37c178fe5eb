#!/bin/sh
# The official image is compiled with protected-mode off, since in a container every client is remote.
# Debian's binary is not: say so on the command line, unless the caller decides.
set -eu
server=/usr/bin/redis-server

case "$*" in
  -v | --version | -h | --help | --test-memory* | --check-system | *protected-mode*) exec "$server" "$@" ;;
esac
if [ -f "${1:-}" ] && grep -Eqi '^[[:space:]]*(protected-mode|include|requirepass|user)[[:space:]]' "$1"; then
  exec "$server" "$@"
fi
exec "$server" "$@" --protected-mode no
