#!/usr/bin/env bash
# Like the official image's: creates the cluster on the first start, runs /docker-entrypoint-initdb.d in
# name order against a server that listens on the socket only, then hands over to postgres.
#
# POSTGRES_PASSWORD[_FILE]   superuser's password; required unless POSTGRES_HOST_AUTH_METHOD=trust
# POSTGRES_USER[_FILE]       superuser (postgres)         POSTGRES_DB[_FILE]   first database (as the user)
# POSTGRES_INITDB_ARGS       more arguments for initdb    POSTGRES_INITDB_WALDIR   WAL elsewhere
# POSTGRES_HOST_AUTH_METHOD  for remote connections (what password_encryption says)
set -Eeuo pipefail

fail() {
  printf 'error: %s\n' "$@" >&2
  exit 1
}

# usage: from_file NAME [DEFAULT]; NAME_FILE names a file that holds the value (secrets)
from_file() {
  local name=$1 file_name=$1_FILE
  [[ -z ${!name:-} || -z ${!file_name:-} ]] || fail "both $name and $file_name are set: set one"
  if [[ -n ${!file_name:-} ]]; then
    printf -v "$name" %s "$(<"${!file_name}")"
  elif [[ -z ${!name:-} ]]; then
    printf -v "$name" %s "${2:-}"
  fi
  export "${name?}"
  unset "$file_name"
}

# As root: the directories belong to postgres, and so does everything from here on.
prepare_directories() {
  local directory directories=("$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"})
  mkdir -p "${directories[@]}" || true
  # Some volumes refuse chmod; postgres itself complains where it matters.
  chmod 0700 "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} || true
  chmod 3775 /var/run/postgresql 2>/dev/null || true
  [[ $(id -u) == 0 ]] || return 0
  for directory in "${directories[@]}"; do
    find "$directory" ! -user postgres -exec chown postgres: '{}' +
  done
}

# initdb wants its user in /etc/passwd: lend it an entry when --user gave an unknown uid.
with_passwd_entry() {
  local uid=$EUID gid wrapper
  getent passwd "$uid" >/dev/null && { "$@"; return; }
  wrapper=$(find /usr/lib -name libnss_wrapper.so -print -quit)
  gid=$(id -g)
  printf 'postgres:x:%s:%s::%s:/bin/false\n' "$uid" "$gid" "$PGDATA" >/tmp/nss-passwd
  printf 'postgres:x:%s:\n' "$gid" >/tmp/nss-group
  LD_PRELOAD=$wrapper NSS_WRAPPER_PASSWD=/tmp/nss-passwd NSS_WRAPPER_GROUP=/tmp/nss-group "$@"
  rm -f /tmp/nss-passwd /tmp/nss-group
}

create_cluster() {
  local extra=()
  # xargs splits as a shell would (quotes included), and runs nothing.
  mapfile -d '' -t extra < <(xargs -r printf '%s\0' <<<"${POSTGRES_INITDB_ARGS:-}")
  with_passwd_entry initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    ${POSTGRES_INITDB_WALDIR:+--waldir="$POSTGRES_INITDB_WALDIR"} "${extra[@]}"
  local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "${@:2}")}
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

# The name that scripts sourced from /docker-entrypoint-initdb.d know.
docker_process_sql() {
  PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" \
    --dbname "$POSTGRES_DB" "$@"
}

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    printf '%s: %s\n' "$0" "$file"
    # shellcheck source=/dev/null # whatever is mounted there
    case $file in
      *.sh) if [[ -x $file ]]; then "$file"; else . "$file"; fi ;;
      *.sql) docker_process_sql -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | docker_process_sql ;;
      *.sql.xz) xzcat "$file" | docker_process_sql ;;
      *.sql.zst) zstd -dc "$file" | docker_process_sql ;;
    esac
  done
}

first_start() {
  [[ -n $POSTGRES_PASSWORD || ${POSTGRES_HOST_AUTH_METHOD:-} == trust ]] || fail \
    'the data directory is empty and the superuser has no password' \
    'set POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE); POSTGRES_HOST_AUTH_METHOD=trust lets everybody in'
  ls /docker-entrypoint-initdb.d/ >/dev/null
  create_cluster "$@"
  export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
  NOTIFY_SOCKET='' PGUSER=${PGUSER:-$POSTGRES_USER} \
    pg_ctl -D "$PGDATA" -w -o "$(printf '%q ' "${@:2}" -c listen_addresses= -p "${PGPORT:-5432}")" start
  if [[ $POSTGRES_DB != postgres && $POSTGRES_DB != template1 ]]; then
    # A second --dbname beats the first.
    docker_process_sql --dbname postgres -v db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
  fi
  run_init_files
  pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
}

main() {
  [[ ${1:-} != -* ]] || set -- postgres "$@"
  if [[ ${1:-} == postgres && ! " $* " =~ ' '(-\?|--help|--describe-config|-V|--version)' ' ]]; then
    prepare_directories
    if [[ $(id -u) == 0 ]]; then
      exec env HOME=/var/lib/postgresql setpriv --reuid postgres --regid postgres --init-groups -- "${BASH_SOURCE[0]}" "$@"
    fi
    from_file POSTGRES_PASSWORD
    from_file POSTGRES_USER postgres
    from_file POSTGRES_DB "$POSTGRES_USER"
    [[ -s $PGDATA/PG_VERSION ]] || first_start "$@"
  fi
  exec "$@"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
