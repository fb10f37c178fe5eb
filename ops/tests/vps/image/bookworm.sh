#!/usr/bin/env bash
# usage: ops/tests/vps/image/bookworm.sh REFERENCE      (root; mmdebstrap and an engine)
#
# Imports the root file system of a Debian 12 as an image, from the mirror that this machine's apt uses.
set -Eeuo pipefail

images=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../../../compose/images" && pwd -P)
for part in ../../ops/bootstrap/debian-mirror.sh rootfs.sh; do
  # shellcheck source=/dev/null
  . "$images/$part"
done

main() {
  local mirror security sources=()
  mirror=$(machine_mirror)
  security=$(machine_mirror -security)
  [[ -z $mirror ]] || sources=("deb $mirror bookworm main" "deb $mirror bookworm-updates main" ${security:+"deb $security bookworm-security main"})
  mmdebstrap --quiet --variant=minbase --dpkgopt='path-exclude=/usr/share/doc/*' bookworm - "${sources[@]}" |
    docker import --change 'LABEL atlas.test=vps' - "$1"
}

main "$@"
