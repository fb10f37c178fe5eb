#!/bin/sh
# Before systemd: what a machine of its own has and a container has not.
set -eu

# A cgroup tree of its own. The namespace is private, so what is mounted here begins at this container.
umount -R /sys/fs/cgroup 2>/dev/null || true
if grep -qv '^0:' /proc/self/cgroup; then
  mount -t tmpfs -o mode=755,size=4m cgroup /sys/fs/cgroup
  while IFS=: read -r _ controllers _; do
    [ -n "$controllers" ] || continue
    directory=/sys/fs/cgroup/${controllers#name=}
    mkdir -p "$directory"
    case $controllers in
      name=*) mount -t cgroup -o "none,$controllers" cgroup "$directory" ;;
      *) mount -t cgroup -o "$controllers" cgroup "$directory" ;;
    esac
  done </proc/self/cgroup
  mkdir -p /sys/fs/cgroup/unified
  mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
else
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
mount --make-rshared /

ssh-keygen -A >/dev/null
exec /sbin/init
