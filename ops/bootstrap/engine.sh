# shellcheck shell=bash disable=SC2034,SC2154 # a part of ops/bootstrap.sh, which holds the shared names
# The container engine: what is there, and how the missing parts get here.

# The path of docker's plugin NAME, where the docker command looks for it.
# https://docs.docker.com/engine/extend/cli_plugins/
plugin() {
  local directory
  for directory in "${DOCKER_CONFIG:-${HOME:-/root}/.docker}/cli-plugins" /usr/local/lib/docker/cli-plugins \
    /usr/local/libexec/docker/cli-plugins /usr/lib/docker/cli-plugins /usr/libexec/docker/cli-plugins; do
    [[ -x $directory/docker-$1 ]] && printf '%s' "$directory/docker-$1" && return
  done
  return 1
}

compose_is_good() {
  local path
  path=$(plugin compose) && version_at_least "$("$path" version --short 2>/dev/null || true)" "$compose_floor"
}

# engine_missing: cli, daemon, compose, buildx. With DOCKER_HOST the daemon is somebody else's business.
look_for_engine() {
  engine_missing=()
  command -v docker >/dev/null || engine_missing+=(cli)
  [[ -n ${DOCKER_HOST:-} ]] || command -v dockerd >/dev/null || engine_answers || engine_missing+=(daemon)
  compose_is_good || engine_missing+=(compose)
  plugin buildx >/dev/null || engine_missing+=(buildx)
  ((${#engine_missing[@]})) || return 0

  local part
  for part in "${engine_missing[@]}"; do
    case $part in
      cli) missing+=('the docker command') ;;
      daemon) missing+=('Docker Engine >= 20.10') ;;
      compose) missing+=("docker compose v2 >= $compose_floor") ;;
      buildx) missing+=('docker buildx') ;;
    esac
  done
  [[ -z ${DOCKER_HOST:-} ]] || {
    say "error: DOCKER_HOST is set, so nothing of an engine is installed here; nothing was changed"
    say_by_hand
    exit 2
  }
}

lacks() {
  [[ " ${engine_missing[*]} " == *" $1 "* ]]
}

install_engine() {
  # A machine with an engine of the distribution keeps to the distribution, and likewise for Docker's.
  if installed docker-ce || { lacks cli && lacks daemon && can_reach "$docker_url/dists/$codename/InRelease"; }; then
    [[ -e /etc/apt/sources.list.d/docker.list || -e /etc/apt/sources.list.d/docker.sources ]] ||
      add_repository docker "$docker_url" "$codename" stable "$docker_url/gpg"
    install_from_docker
  else
    install_from_distribution
  fi
  hash -r
  if ! { compose_is_good && plugin buildx && command -v docker dockerd; } >/dev/null; then
    fail 'the engine was installed but is not complete' 'docker compose version; docker buildx version'
  fi
}

install_from_docker() {
  local packages=()
  if lacks cli || lacks daemon; then packages+=("${docker_packages[@]}"); fi
  ! lacks compose || packages+=("${docker_plugins[0]}")
  ! lacks buildx || packages+=("${docker_plugins[1]}")
  apt_install "${packages[@]}"
}

install_from_distribution() {
  local packages=() plugins=()
  if lacks cli || lacks daemon; then packages+=("${engine_packages[@]}"); fi
  ! lacks compose || plugins+=("${plugin_packages[0]}")
  ! lacks buildx || plugins+=("${plugin_packages[1]}")
  [[ -n $plugin_suite ]] || packages+=("${plugins[@]}")
  if ((${#packages[@]})); then apt_install "${packages[@]}"; fi
  if [[ -n $plugin_suite ]] && ((${#plugins[@]})); then install_from_suite "$plugin_suite" "${plugins[@]}"; fi
}

# usage: install_from_suite SUITE PACKAGE... - these packages alone, from a newer Debian, through an apt of
# their own: the machine's sources and lists never hear of that suite. They need libc >= 2.34 only.
install_from_suite() {
  local suite=$1 mirror directory options
  shift
  mirror=$(debian_mirror "$codename")
  [[ -n $mirror ]] || fail "docker plugins from Debian $suite" 'apt-get indextargets' 'no Debian mirror in /etc/apt: add one'
  directory=$(mktemp -d)
  chmod 0755 "$directory"
  mkdir -p "$directory"/{sources,lists/partial,debs}
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$mirror" "$suite" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$directory/sources/$suite.sources"
  options=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$directory/sources" -o "Dir::State::lists=$directory/lists"
    -o APT::Sandbox::User=root -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=")
  step "apt: reading the lists of Debian $suite" apt_get update "${options[@]}"
  step "apt: downloading $* from Debian $suite" download_into "$directory/debs" "${options[@]}" "$@"
  step "dpkg: installing $*" dpkg -i "$directory"/debs/*.deb
  rm -rf "$directory"
}

download_into() (
  cd -- "$1" && apt_get download "${@:2}"
)
