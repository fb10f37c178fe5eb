# shellcheck shell=bash disable=SC2034,SC2154 # a part of ops/bootstrap.sh, which holds the shared names

look_for_node() {
  node_missing=''
  # npm without Node is as useless as Node without npm.
  if ! command -v npm >/dev/null || ! version_at_least "$(node --version 2>/dev/null || true)" "$node_floor"; then
    node_missing=1
    missing+=("Node >= $node_floor with npm")
  fi
}

install_node() {
  if [[ $node_source == nodesource ]]; then
    add_repository nodesource "$nodesource_url" nodistro main https://deb.nodesource.com/gpgkey/nodesource-repo.gpg.key
  fi
  apt_install "${node_packages[@]}"
  hash -r
  version_at_least "$(node --version)" "$node_floor" ||
    fail 'Node is still too old' 'node --version' "remove the older node at $(command -v node), then run the same command again"
}
