# shellcheck shell=bash disable=SC2034,SC2154 # a part of ops/bootstrap.sh, which holds the shared names

node_floor=20.19
compose_floor=2.26

# usage: version_at_least HAVE FLOOR - number by number; a leading v and what follows the numbers are ignored.
version_at_least() {
  local have floor index
  [[ $1 =~ ^v?([0-9]+(\.[0-9]+)*) ]] || return 1
  IFS=. read -ra have <<<"${BASH_REMATCH[1]}"
  IFS=. read -ra floor <<<"$2"
  for index in "${!floor[@]}"; do
    ((10#${have[index]:-0} == 10#${floor[index]})) || { ((10#${have[index]:-0} > 10#${floor[index]})); return; }
  done
}
