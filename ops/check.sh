#!/usr/bin/env bash
# usage: ops/check.sh [--lint]        (make check, make lint)
#
# Everything that can be known without a container engine, fast: format and lint (with the import arrows),
# types, shellcheck, the compose files where docker compose is installed, unit tests; --lint: all but those.
set -Eeuo pipefail

failed=()

# check LABEL COMMAND...: runs it quietly; shows its output only when it fails.
check() {
  local label=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok    $label"
  else
    printf '%s\n' "$output"
    echo "FAIL  $label"
    failed+=("$label")
  fi
}

check_compose() {
  if ! docker compose version >/dev/null 2>&1; then
    echo 'skip  compose files (no docker compose here)'
    return
  fi
  # The example with every empty value filled is a complete .env.
  local example
  example=$(mktemp)
  sed 's/^\([A-Z_]*\)=$/\1=placeholder/' .env.example >"$example"
  check 'compose files' docker compose --env-file "$example" config --quiet
  rm -f "$example"
}

main() {
  local root
  root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
  cd -- "$root"
  ops/bootstrap.sh run --all --packages 'shellcheck curl openssl'
  local scripts
  mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh' ops/atlas ops/ssh-gate .ci/run)
  check 'format and lint' npx --no-install biome ci --colors=off .
  check 'types of service' npx --no-install tsc --noEmit -p service
  check 'types of ops' npx --no-install tsc --noEmit -p ops
  check "shellcheck (${#scripts[@]} scripts)" shellcheck --external-sources "${scripts[@]}"
  check_compose
  [[ ${1:-} == --lint ]] || check 'unit tests of ops' npx --no-install tsx ops/tests/run.ts unit
  if ((${#failed[@]} > 0)); then
    printf 'error: %d checks failed: %s\n' "${#failed[@]}" "${failed[*]}" >&2
    exit 1
  fi
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
