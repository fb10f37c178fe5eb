#!/usr/bin/env bash
# The container's health: the supervisor is alive, and what was committed half a minute ago is flushed here.
set -Eeuo pipefail

# usage: age_of KEY - seconds since a time in state.json; fails when there is none
age_of() {
  local time
  time=$(sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" /wal/state.json)
  [[ -n $time ]] || return 1
  echo $((EPOCHSECONDS - $(date -d "$time" +%s)))
}

main() {
  local state heartbeat
  state=$(age_of at)
  heartbeat=$(age_of heartbeat)
  echo "state $state s old, heartbeat $heartbeat s"
  ((state < 20 && heartbeat < 30))
}

main
