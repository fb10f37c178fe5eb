#!/bin/sh
# The certificate's keeper. nginx always reads live/atlas/, whoever issued what is there:
# here a self-signed placeholder for localhost, so that nginx can start at all.
set -eu
umask 027
NGINX_GID=101
live=/etc/letsencrypt/live/atlas

make_placeholder() {
  mkdir -p "$live"
  # Into temporary names first: nginx must never see a certificate without its key.
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -sha256 \
    -subj '/CN=localhost' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' \
    -addext 'basicConstraints=critical,CA:FALSE' -addext 'extendedKeyUsage=serverAuth' \
    -keyout "$live/privkey.pem.new" -out "$live/fullchain.pem.new" 2>/tmp/openssl.log ||
    { cat /tmp/openssl.log >&2; exit 1; }
  chgrp -R "$NGINX_GID" /etc/letsencrypt/live
  chmod 0640 "$live/privkey.pem.new"
  mv "$live/privkey.pem.new" "$live/privkey.pem"
  mv "$live/fullchain.pem.new" "$live/fullchain.pem"
  echo 'certbot: self-signed certificate for localhost written; browsers will warn'
}

# Expired or within a day of it: a placeholder is simply made again.
if ! openssl x509 -checkend 86400 -noout -in "$live/fullchain.pem" >/dev/null 2>&1; then
  make_placeholder
fi

trap 'exit 0' TERM INT
while :; do
  sleep 43200 &
  wait $!
  openssl x509 -checkend 86400 -noout -in "$live/fullchain.pem" >/dev/null 2>&1 || make_placeholder
done
