#!/usr/bin/env bash
# usage: ops/tests/vps/image/rootfs.sh REFERENCE SUITE [PACKAGE,...]      (root; mmdebstrap and an engine)
#
# Imports the root file system of a Debian as an image, from the mirror that this machine's apt uses.
set -Eeuo pipefail

images=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../../../compose/images" && pwd -P)
for part in ../../ops/bootstrap/debian-mirror.sh rootfs.sh; do
  # shellcheck source=/dev/null
  . "$images/$part"
done

main() {
  local reference=$1 suite=$2 packages=${3:-} mirror security sources=()
  mirror=$(machine_mirror)
  security=$(machine_mirror -security)
  if [[ -n $mirror ]]; then
    sources=("deb $mirror $suite main")
    # A suite that is not released yet has no updates.
    [[ $suite != bookworm ]] ||
      sources+=("deb $mirror $suite-updates main" ${security:+"deb $security $suite-security main"})
  fi
  # A mirror may be a snapshot.
  mmdebstrap --quiet --variant=minbase ${packages:+"--include=$packages"} --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' "$suite" - "${sources[@]}" |
    docker import --change 'LABEL atlas.test=vps' - "$reference"
}

main "$@"
