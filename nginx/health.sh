#!/bin/bash
# Healthy when nginx answers a request from inside. Both image sets have bash and neither promises curl.
set -euo pipefail
exec 3<>/dev/tcp/127.0.0.1/80
printf 'GET / HTTP/1.0\r\nHost: health\r\nUser-Agent: healthcheck\r\n\r\n' >&3
read -r -t 2 protocol _ <&3
[[ $protocol == HTTP/1.* ]]
