#!/usr/bin/env bash
# usage: ops/ci/publish-image.sh TAG
#
# What `make image PUSH=1` does, logged in to the registry for as long as it takes. Prints the image's reference with
# its digest. In the environment:
#   IMAGE_NAME                        such as ghcr.io/you/atlas; otherwise ghcr.io/ and GITHUB_REPOSITORY
#   REGISTRY_USER and REGISTRY_TOKEN  who may push
#   PLATFORMS                         linux/amd64,linux/arm64 otherwise
set -Eeuo pipefail
umask 077

# usage: refuse WHAT NEXT
refuse() {
  printf 'error: %s\n  state: nothing was built\n  next: %s\n' "$1" "$2" >&2
  exit 2
}

# A directory of its own, so that no login stays; buildx keeps its builders where they are.
log_in() {
  export BUILDX_CONFIG=${BUILDX_CONFIG:-${DOCKER_CONFIG:-$HOME/.docker}/buildx}
  DOCKER_CONFIG=$(mktemp -d)
  export DOCKER_CONFIG
  trap 'rm -rf -- "$DOCKER_CONFIG"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  docker login --username "$REGISTRY_USER" --password-stdin "${IMAGE_NAME%%/*}" <<<"$REGISTRY_TOKEN" >&2
  # Whatever is started from here on does without it.
  unset REGISTRY_TOKEN
}

main() {
  local name root
  root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
  [[ $# == 1 && -n $1 ]] || refuse 'a published image needs a tag' 'ops/ci/publish-image.sh v1.2.3'
  # Names in a registry are lower case; names on GitHub need not be.
  [[ -n ${IMAGE_NAME:-} || -z ${GITHUB_REPOSITORY:-} ]] || IMAGE_NAME=ghcr.io/${GITHUB_REPOSITORY,,}
  for name in IMAGE_NAME REGISTRY_USER REGISTRY_TOKEN; do
    [[ -n ${!name:-} ]] || refuse "$name is not set" 'set it in the environment'
  done
  [[ $IMAGE_NAME =~ ^[^/]*[.:][^/]*/ ]] || refuse "IMAGE_NAME=$IMAGE_NAME names no registry" 'such as ghcr.io/you/atlas'
  export IMAGE_NAME
  cd -- "$root"
  log_in
  ops/atlas image --push --tag "$1" ${PLATFORMS:+--platforms "$PLATFORMS"}
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
