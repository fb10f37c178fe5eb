#!/usr/bin/env bash
# usage: ops/test.sh [unit|service|e2e|vps ...]        (make test; e2e has vps in it)
#
# Every test, with all its own set-up: installs what is missing, starts the engine, runs the suites and ends
# with one line of counts. Where no engine can run, the end-to-end tests are counted as skipped with the
# reason; with CI=true that is a failure.
set -Eeuo pipefail

main() {
  local root reason=''
  root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
  cd -- "$root"
  ops/bootstrap.sh run --all --packages 'shellcheck postgresql redis-server chromium openssl iproute2 curl openssh-server mmdebstrap'
  if ! reason=$(ops/bootstrap.sh run --all --engine 2>&1); then
    export TEST_NO_ENGINE="no container engine: ${reason##*error: }"
  else
    printf '%s' "${reason:+$reason$'\n'}" >&2
  fi
  # A make that a test runs must not take itself for a part of the one that ran this.
  unset MAKEFLAGS MFLAGS MAKELEVEL
  exec node --import tsx ops/tests/run.ts "$@"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
