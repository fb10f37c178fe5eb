#!/usr/bin/env bash
# usage: ops/bootstrap.sh run [--engine] [--all] [--packages 'NAME ...']
#        ops/bootstrap.sh plan
#
# run   brings this machine to the point where ops/atlas can work: Node, the ops workspace's dependencies;
#       --engine    a running container engine with compose and buildx
#       --all       every dependency, development ones too
#       --packages  these apt packages as well, unless a command of the same name is there already
# plan  prints what run would install on this distribution, and from where; changes nothing
#
# Says each thing it does on stderr; silent, and quick, when there is nothing to do. Never touches what is
# already good. Exit codes: 0 ready, 1 failed, 2 something must be installed by hand.
#
#   LOG=FILE               the full log (.atlas/bootstrap.log otherwise)
#   DOCKER_HOST            set: that engine is used, nothing of an engine is installed or started here
#   OS_RELEASE_FILE=FILE   instead of /etc/os-release
set -Eeuo pipefail
umask 022 # what packages install is for everybody, whatever the caller's umask

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
for part in report version distribution apt debian-mirror node engine start-engine dependencies; do
  # shellcheck source=/dev/null # ops/check.sh reads each part on its own
  . "$root/ops/bootstrap/$part.sh"
done

usage() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

parse() {
  local word
  while (($#)); do
    case $1 in
      --engine) want_engine=1 ;;
      --all) scope=all ;;
      --packages)
        [[ $# -ge 2 ]] || fail_usage '--packages needs a list of package names'
        for word in $2; do
          [[ $word =~ ^[a-z0-9][a-z0-9.+-]*$ ]] || fail_usage "not a package name: $word"
          extra_packages+=("$word")
        done
        shift
        ;;
      *) fail_usage "unknown option: $1" ;;
    esac
    shift
  done
}

run() {
  # shellcheck disable=SC2034 # the parts read them
  local want_engine='' scope=ops extra_packages=() missing=() engine_missing=()
  parse "$@"

  # Looking only. What is missing goes into `missing`, as "WHAT TO INSTALL (WHY)".
  look_for_node
  [[ -z $want_engine ]] || look_for_engine
  look_for_packages
  ((${#missing[@]} == 0)) || require_root_and_known_distribution

  # ------ no change above this line ------
  if ((${#missing[@]})); then install_missing; fi
  install_dependencies
  [[ -z $want_engine ]] || start_engine
}

main() {
  local verb=${1:-}
  shift || true
  case $verb in
    run) run "$@" ;;
    plan) print_plan ;;
    -h | --help | help) usage ;;
    *) fail_usage "unknown verb: ${verb:-none}" ;;
  esac
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
