# shellcheck shell=bash disable=SC2034,SC2154 # a part of ops/bootstrap.sh, which holds the shared names
# Progress and failures: on stderr, and every command's output in one log. ops/provision uses it, too.

log=${LOG:-$root/.atlas/bootstrap.log}

say() {
  printf '%s: %s\n' "${speaker:-bootstrap}" "$*" >&2
}

fail_usage() {
  say "error: $1"
  usage >&2
  exit 2
}

# Before the first change; nothing to do leaves no log.
open_log() {
  (umask 077 && mkdir -p "$(dirname -- "$log")")
  [[ -n ${log_is_open:-} ]] || : >"$log"
  log_is_open=1
}

# usage: step WHAT COMMAND... - runs it with its output in the log; says how long it took, or why it failed.
step() {
  local what=$1 started=$SECONDS
  shift
  open_log
  say "$what"
  if ! { printf '\n== %s\n== %s\n' "$what" "$*" && "$@"; } >>"$log" 2>&1 </dev/null; then
    fail "$what" "$*"
  fi
  say "$what: $((SECONDS - started)) s"
}

# usage: fail WHAT COMMAND [NEXT]
fail() {
  {
    printf '%s: error: %s\n  command: %s\n  the last lines of %s:\n' "${speaker:-bootstrap}" "$1" "$2" "$log"
    tail -n 15 "$log" | sed 's/^/  | /'
    printf '  state: what was installed before this stays; no container was touched\n'
    printf '  next: %s\n' "${3:-mend what the log says, then run the same command again: it goes on from here}"
  } >&2
  exit 1
}
