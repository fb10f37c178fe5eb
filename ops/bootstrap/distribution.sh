# shellcheck shell=bash disable=SC2034,SC2154 # a part of ops/bootstrap.sh, which holds the shared names
# Which packages this distribution needs, and from which repositories.

os_release() {
  # shellcheck source=/dev/null
  (. "${OS_RELEASE_FILE:-/etc/os-release}" 2>/dev/null && printf '%s' "${!1:-}")
}

# Fills the names below; fails on a distribution we have never tried.
#   node_packages    and node_source:  distribution | nodesource
#   engine_packages  of the distribution; plugin_suite: where compose and buildx come from
#   docker_packages  of Docker's own repository at docker_url
know_distribution() {
  distribution="$(os_release ID) $(os_release VERSION_ID)"
  codename=$(os_release VERSION_CODENAME)
  node_source=nodesource node_packages=(nodejs) plugin_suite=''
  plugin_packages=(docker-compose docker-buildx)
  case $distribution in
    'debian 12') engine_packages=(docker.io) plugin_suite=trixie ;;
    'debian 13') engine_packages=(docker.io docker-cli) node_source=distribution node_packages=(nodejs npm) ;;
    'ubuntu 24.04') engine_packages=(docker.io) plugin_packages=(docker-compose-v2 docker-buildx) ;;
    *) return 1 ;;
  esac
  docker_url=https://download.docker.com/linux/${distribution% *}
  docker_packages=(docker-ce docker-ce-cli containerd.io)
  docker_plugins=(docker-compose-plugin docker-buildx-plugin)
  nodesource_url=https://deb.nodesource.com/node_24.x
}

print_plan() {
  local missing=()
  know_distribution || {
    say "error: unknown distribution: ${distribution:- }"
    say_by_hand
    exit 2
  }
  local where=distribution
  [[ $node_source == distribution ]] || where="$nodesource_url nodistro"
  printf 'distribution: %s (%s)\n' "$distribution" "$codename"
  printf 'node: %s, from %s\n' "${node_packages[*]}" "$where"
  printf 'engine: %s, from %s %s\n' "${docker_packages[*]} ${docker_plugins[*]}" "$docker_url" "$codename"
  printf 'engine where that cannot be reached: %s, from distribution\n' "${engine_packages[*]}"
  printf 'compose and buildx with it: %s, from %s\n' "${plugin_packages[*]}" \
    "${plugin_suite:+the same mirror, suite }${plugin_suite:-distribution}"
}

say_by_hand() {
  say 'install by hand, then run the same command again:'
  if ((${#missing[@]})); then
    printf '  - %s\n' "${missing[@]}" >&2
  else
    printf '  - %s\n' "Node >= $node_floor with npm" \
      "Docker Engine >= 20.10, compose v2 >= $compose_floor, buildx (https://docs.docker.com/engine/install/)" >&2
  fi
}

require_root_and_known_distribution() {
  if ! know_distribution; then
    say "error: missing on this machine, and ${distribution:- } is not one of Debian 12, Debian 13, Ubuntu 24.04; nothing was changed"
  elif [[ $EUID != 0 ]]; then
    say 'error: missing on this machine, and only root can install it; nothing was changed'
    say "packages for $distribution: $0 plan"
  elif [[ -n $node_missing && $node_source == nodesource ]] && ! can_reach "$nodesource_url/dists/nodistro/InRelease"; then
    say "error: $distribution has no Node >= $node_floor of its own, and $nodesource_url cannot be reached; nothing was changed"
  else
    return 0
  fi
  say_by_hand
  exit 2
}
