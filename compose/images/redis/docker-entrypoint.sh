#!/bin/sh
# Like the official image's: flags or a .conf file as the first argument mean redis-server, and root
# steps down to the user redis, who gets the data directory.
set -eu

case ${1:-} in
  -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "${1:-}" = redis-server ]; then
  if [ "$(id -u)" = 0 ]; then
    find . ! -user redis -exec chown redis: '{}' +
    exec setpriv --reuid redis --regid redis --clear-groups -- "$0" "$@"
  fi
  # Dumps and append-only files are nobody else's business.
  [ "$(umask)" != 0022 ] || umask 0077
fi
exec "$@"
