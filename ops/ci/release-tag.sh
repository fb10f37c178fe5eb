#!/usr/bin/env bash
# usage: ops/ci/release-tag.sh
#
# Prints the image's tag for what GitHub is building: the git tag v1.2.3 itself, or main-<12 digits of the commit>.
# Reads GITHUB_REF_TYPE, GITHUB_REF_NAME and GITHUB_SHA.
# https://docs.github.com/en/actions/reference/workflows-and-actions/variables
set -Eeuo pipefail

# usage: refuse WHAT NEXT
refuse() {
  printf 'error: %s\n  next: %s\n' "$1" "$2" >&2
  exit 2
}

main() {
  local name=${GITHUB_REF_NAME:-} commit=${GITHUB_SHA:-}
  case ${GITHUB_REF_TYPE:-} in
    tag)
      # https://semver.org, without build metadata: an image's tag has no "+".
      [[ $name =~ ^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$ && ${#name} -le 128 ]] ||
        refuse "the git tag \"$name\" is not a version" 'tag a release as v1.2.3 or v1.2.3-rc.1'
      printf '%s\n' "$name"
      ;;
    branch)
      [[ $name == main ]] || refuse "the branch \"$name\" is not released" 'releases come from main and from tags'
      [[ $commit =~ ^[0-9a-f]{40}$ ]] || refuse 'GITHUB_SHA is not a commit' 'run this in GitHub Actions'
      printf 'main-%s\n' "${commit:0:12}"
      ;;
    *) refuse 'GITHUB_REF_TYPE is neither tag nor branch' 'run this in GitHub Actions' ;;
  esac
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
