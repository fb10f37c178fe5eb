#!/usr/bin/env bash
# usage: ops/bench.sh        (make bench)
#
# Measures a whole stack of its own, in a clean clone and on a second, empty container engine beside the
# machine's own, so that "cold" means cold. Needs root; leaves nothing behind.
set -Eeuo pipefail

main() {
  local root
  root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
  cd -- "$root"
  ops/bootstrap.sh run --all --engine
  exec node --import tsx ops/bench/run.ts
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
