#!/usr/bin/env bash
# usage: ops/ci/check-public.sh URL [TAG]
#
# Asks https://.../readyz over a fresh connection, as anybody would, until release TAG answers; without TAG until any
# does, and says which. CHECK_SECONDS is how long (60). A certificate that curl does not trust is a failure.
# Exit codes: 0 it answers, 1 it does not, 2 usage.
set -Eeuo pipefail

usage() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# Prints what came back: "STATUS RELEASE", or why nothing did.
ask() {
  curl --silent --show-error --proto =https --max-time 10 --output /dev/null \
    --write-out '%{http_code} %header{x-release}' -- "$1/readyz" 2>&1 || true
}

main() {
  local url=${1:-} tag=${2:-} answer='' limit=${CHECK_SECONDS:-60}
  [[ $# == [12] && $url =~ ^https://[^/[:space:]]+/?$ && $limit =~ ^[0-9]+$ ]] || usage
  url=${url%/}
  while true; do
    answer=$(ask "$url")
    if [[ $answer == '200 '?* && ${answer#200 } == "${tag:-${answer#200 }}" ]]; then
      printf '%s answers with release %s\n' "$url" "${answer#200 }"
      return
    fi
    ((SECONDS < limit)) || break
    sleep 1
  done
  printf 'error: %s does not answer with %s after %s s\n' "$url" "${tag:+release }${tag:-any release}" "$limit" >&2
  printf '  last answer: %s\n' "$answer" >&2
  printf '  next: ops/ci/server.sh status; a release that should not stay: ops/ci/server.sh rollback\n' >&2
  return 1
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
