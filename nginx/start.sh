#!/bin/sh
# usage: start.sh [check]
# Starts nginx with the configuration that this file belongs to; `check` only tests it.
set -eu
here=$(dirname "$0")

# The engine's address on this network: what comes from there is this machine, or somebody whom the engine hides.
write_gateway() {
  address=127.0.0.1
  while read -r _ destination gateway _; do
    # Hexadecimal, the last octet first.
    [ "$destination" != 00000000 ] || address=$(printf '%d.%d.%d.%d' "0x${gateway#??????}" \
      "0x$(echo "$gateway" | cut -c5-6)" "0x$(echo "$gateway" | cut -c3-4)" "0x$(echo "$gateway" | cut -c1-2)")
  done </proc/net/route
  # shellcheck disable=SC2016 # nginx's dollar
  printf 'geo $is_engine { default 0; %s 1; }\n' "$address" >/run/nginx/engine.conf.new
  mv /run/nginx/engine.conf.new /run/nginx/engine.conf
}

# A client that only keeps a TLS connection open costs 36 kB (measured): what all workers together accept must fit into
# the container's memory beside the micro-cache, or an attacker with patience has nginx killed.
CONNECTIONS=6144
write_workers() {
  workers=$(getconf _NPROCESSORS_ONLN)
  [ "$workers" -le 8 ] || workers=8
  echo "worker_processes $workers;" >/run/nginx/workers.conf
  echo "worker_connections $((CONNECTIONS / workers));" >/run/nginx/connections.conf
}

write_gateway
write_workers
if [ "${1:-}" = check ]; then
  sh -n "$here/start.sh"
  # A lost volume: certbot makes a new one before nginx starts.
  [ -s /etc/letsencrypt/served/fullchain.pem ] || { echo 'not tested: there is no certificate'; exit 0; }
  exec nginx -t -c "$here/nginx.conf"
fi

# A renewed certificate is served without anybody's help: this container has no way to be told, so it looks. Nothing is
# cut, as with any reload; what nginx does not accept is tried again next time, and the old one goes on.
fingerprint() { cksum /etc/letsencrypt/served/fullchain.pem || true; } # under set -e a failure would end the loop
watch_certificate() {
  served=$1
  while sleep 15; do
    # An empty one: the file is being replaced.
    now=$(fingerprint)
    if [ -n "$now" ] && [ "$now" != "$served" ] && nginx -t -q -c "$here/nginx.conf" && nginx -s reload -c "$here/nginx.conf"; then
      served=$now
      echo 'the certificate has changed: reloaded'
    fi
  done
}
watch_certificate "$(fingerprint)" &

exec nginx -g 'daemon off;' -c "$here/nginx.conf"
