#!/bin/sh
# Starts nginx after writing what depends on .env to the container's tmpfs; nginx.conf includes it.
set -eu
port=''
[ "${HTTPS_PORT:-443}" = 443 ] || port=":$HTTPS_PORT"
# The port in redirects is the one the outside world uses, which nginx cannot know by itself.
# shellcheck disable=SC2016 # nginx's dollar
printf 'map "" $public_port { default "%s"; }\n' "$port" >/run/nginx/public-port.conf
# One megabyte on top for the multipart envelope: the service, which counts exactly, decides.
printf 'client_max_body_size %sm;\n' "$((${UPLOAD_MAX_MB:-25} + 1))" >/run/nginx/upload-size.conf
exec nginx -g 'daemon off;'
