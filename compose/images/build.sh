#!/usr/bin/env bash
# usage: compose/images/build.sh      (root; needs an engine with buildx, and npm)
#
# Builds the five base images from Debian packages and prints the lines for .env, one per image:
#   POSTGRES_IMAGE=atlas-base/postgres:17.12
# Builds nothing, and prints the same lines, when the images of this very directory are there already.
#
#   FORCE=1                   build again, with today's packages
#   LOG=FILE                  the full log (a temporary file otherwise)
#   DEBIAN_MIRROR=URL         instead of the mirror this machine's apt uses; likewise DEBIAN_SECURITY_MIRROR
set -Eeuo pipefail
umask 022

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
images=(postgres redis nginx certbot node)
for part in ../../ops/bootstrap/debian-mirror.sh rootfs.sh; do
  # shellcheck source=/dev/null
  . "$here/$part"
done

say() {
  printf 'images: %s\n' "$*" >&2
}

die() {
  say "$@"
  exit 1
}

# usage: step WHAT COMMAND... - runs it with its output in the log, says how long it took.
step() {
  local what=$1 started=$SECONDS
  shift
  say "$what"
  "$@" >>"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "failed: $what" "- the last lines of $log are above; no image was replaced; run it again to continue"
  }
  say "$what: $((SECONDS - started)) s"
}

# What the images are made of. Same content, same images.
content_hash() {
  (cd "$here" && find . -type f ! -name '*.md' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

# The .env lines of the images labelled with this hash, newest first; fails unless all five are there.
print_images() {
  local found image tag
  found=$(docker image ls --filter "label=atlas.hash=$hash" --format '{{.Repository}}:{{.Tag}}')
  for image in "${images[@]}"; do
    tag=$(grep -m1 "^atlas-base/$image:" <<<"$found") || return 1
    printf '%s_IMAGE=%s\n' "${image^^}" "$tag"
  done
}

install_tools() {
  local missing=()
  command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
  [[ -f /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
  ((${#missing[@]})) || return 0
  [[ $EUID == 0 ]] || die "install ${missing[*]} first, or run this as root"
  step "installing ${missing[*]}" install_packages "${missing[@]}"
}

install_packages() {
  apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

get_node() {
  local arch
  arch=$(dpkg --print-architecture)
  mkdir "$context/npm-packages"
  (cd "$context/npm-packages" && npm pack --silent "node-linux-${arch/amd64/x64}@24" npm@11)
}

build() {
  docker buildx build --network host --build-arg "DEBIAN_IMAGE=$rootfs" "$@" "$context"
}

# A second build finds everything cached; now that the versions are known it names and labels the images.
name_images() {
  local image version pids=() pid
  while read -r image version; do
    build --target "$image" --tag "atlas-base/$image:$version" --label atlas.base=debian --label "atlas.hash=$hash" \
      --label "org.opencontainers.image.title=$image" --label "org.opencontainers.image.version=$version" &
    pids+=($!)
  done <"$context.versions/versions"
  for pid in "${pids[@]}"; do wait "$pid"; done
}

main() {
  local hash rootfs context log node_pid
  hash=$(content_hash)
  exec 9<"$here"
  flock 9 # one build at a time; whoever waited finds the images
  [[ -z ${FORCE:-} ]] && print_images 2>/dev/null && return

  log=${LOG:-$(mktemp -t atlas-images-XXXXXX.log)}
  context=$(mktemp -d -t atlas-images-XXXXXX)
  # shellcheck disable=SC2064 # the name as it is now
  trap "rm -rf '$context' '$context.versions'" EXIT
  command -v npm >/dev/null || die 'npm is missing: ops/bootstrap.sh run installs it'
  say "building five base images from Debian packages (log: $log)"
  install_tools
  cp -r "$here/." "$context"
  rootfs=atlas-base/debian:trixie-$(date +%Y%m%d)
  get_node >>"$log" 2>&1 &
  node_pid=$!
  # What an interrupted build left is as good as new.
  [[ -z ${FORCE:-} && $(docker image inspect -f '{{index .Config.Labels "atlas.rootfs"}}' "$rootfs" 2>/dev/null) == "$hash" ]] ||
    step 'Debian trixie, the common base' make_rootfs
  step 'Node 24 and npm 11' wait "$node_pid"
  step 'postgres, redis, nginx, certbot, node' build --target versions --output "type=local,dest=$context.versions"
  step 'naming them' name_images
  # What the new images replaced; those that a container still uses stay.
  docker image prune --force --filter label=atlas.base=debian >>"$log" 2>&1 || true
  print_images
  say "built in $SECONDS s"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
