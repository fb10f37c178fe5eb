# shellcheck shell=bash disable=SC2154 # a part of build.sh, which holds $hash and $rootfs

# usage: machine_mirror [-security] - the http mirror of Debian that this machine uses itself, if it does.
machine_mirror() {
  local release
  # shellcheck source=/dev/null
  release=$(. /etc/os-release && [[ $ID == debian ]] && echo "$VERSION_CODENAME") || return 0
  debian_mirror "$release${1:-}" | grep '^https\?:' || true
}

# Debian trixie with apt and nothing else, as the image that all others start from.
make_rootfs() {
  local mirror security sources=() include=()
  mirror=${DEBIAN_MIRROR:-$(machine_mirror)}
  security=${DEBIAN_SECURITY_MIRROR:-$([[ -n ${DEBIAN_MIRROR:-} ]] || machine_mirror -security)}
  if [[ -n $mirror ]]; then
    sources=("deb ${mirror%/} trixie main" "deb ${mirror%/} trixie-updates main")
    [[ -z $security ]] || sources+=("deb ${security%/} trixie-security main")
  fi
  [[ $mirror$security != *https:* ]] || include=(--include=ca-certificates)
  echo "mirror: ${mirror:-the default of mmdebstrap}; security: ${security:-by mirror}"
  # Manuals and translations are of no use in a container; licences stay.
  mmdebstrap --variant=apt "${include[@]}" --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' trixie - "${sources[@]}" |
    docker import --change "LABEL atlas.base=debian atlas.rootfs=$hash" --change 'CMD ["bash"]' - "$rootfs"
}
