#!/usr/bin/env bash
# usage: ops/bench.sh [service|stack|edge|releases|backups|wal|recovery|vps]      (make bench [PART=…])
#
# service: the bundled service beside the least that could do its work, without an engine.
#
# The others measure a whole stack of its own, in a clean clone and on a second, empty container engine, so that
# "cold" means cold. That engine lives in a network namespace of its own: a second one beside the first
# would flush the first one's firewall rules and take its bridge away. Needs root; leaves nothing behind.
set -Eeuo pipefail

namespace=atlas-bench-$$
link=atlasb$$
subnet=10.214.213

# The rules that let the namespace out, each undone by the same words with -D.
rules() {
  local action=$1
  iptables -t nat "$action" POSTROUTING -s "$subnet.0/30" ! -o "$link" -j MASQUERADE
  iptables "$action" FORWARD -i "$link" -j ACCEPT
  iptables "$action" FORWARD -o "$link" -j ACCEPT
}

open_namespace() {
  ip netns add "$namespace"
  ip link add "$link" type veth peer name uplink netns "$namespace"
  ip address add "$subnet.1/30" dev "$link"
  ip link set "$link" up
  ip -n "$namespace" link set lo up
  ip -n "$namespace" address add "$subnet.2/30" dev uplink
  ip -n "$namespace" link set uplink up
  ip -n "$namespace" route add default via "$subnet.1"
  rules -I
}

close_namespace() {
  rules -D 2>/dev/null || true
  ip netns delete "$namespace" 2>/dev/null || true
  ip link delete "$link" 2>/dev/null || true
}

# Of processes on this machine: only Node, PostgreSQL and Redis. With the Node of the image, which is newer than Debian's.
bench_service() {
  local scratch arch
  ops/bootstrap.sh run --all --packages 'postgresql redis-server wrk'
  npm run --silent build --workspace service
  scratch=$(mktemp -d)
  # shellcheck disable=SC2064 # expanded now: it is local
  trap "rm -rf '$scratch' service/dist/compile-cache" EXIT
  arch=$(dpkg --print-architecture)
  (cd "$scratch" && npm pack --silent "node-linux-${arch/amd64/x64}@24" >/dev/null && tar -xf ./*.tgz)
  BENCH_NODE=$scratch/package/bin/node node --import tsx service/bench/run.ts
}

# Of a whole server in a container, which brings its own engine.
bench_vps() {
  ops/bootstrap.sh run --all --engine --packages 'openssl openssh-client mmdebstrap'
  node --import tsx ops/bench/vps.ts
}

main() {
  local root
  root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
  cd -- "$root"
  if (($# == 0)) || [[ $1 == service ]]; then bench_service; fi
  if [[ ${1:-} == service ]]; then return; fi
  if (($# == 0)) || [[ $1 == vps ]]; then bench_vps; fi
  if [[ ${1:-} == vps ]]; then return; fi
  ops/bootstrap.sh run --all --engine --packages 'iproute2 wrk curl'
  trap close_namespace EXIT
  open_namespace
  # nsenter, not `ip netns exec`: that one hides the control groups that the engine needs.
  nsenter --net="/run/netns/$namespace" node --import tsx ops/bench/run.ts "$@"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
