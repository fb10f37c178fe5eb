# shellcheck shell=bash disable=SC2154 # a part of the script that ops/src/commands/provision.ts sends, see main.sh
# A deploy has two releases in memory for a while: a small machine gets a swap file.

swap_file=/swapfile
swap_mb=2048
# "2 GB" of a provider, less what its kernel keeps.
enough_memory_kb=1900000

needs_no_swap() {
  local memory
  memory=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
  ((memory >= enough_memory_kb)) || [[ -n $(tail -n +2 /proc/swaps) ]]
}

has_room_for_swap() {
  local free_mb
  free_mb=$(df --output=avail -m / | tail -n 1)
  ((free_mb >= 2 * swap_mb))
}

# dd and not fallocate: swapon refuses files with holes, and some file systems make nothing else.
make_swap() {
  (umask 077 && dd if=/dev/zero of="$swap_file" bs=1M count="$swap_mb" status=none) &&
    mkswap "$swap_file" &&
    swapon "$swap_file" &&
    { grep -q "^$swap_file " /etc/fstab || printf '%s none swap sw 0 0\n' "$swap_file" >>/etc/fstab; }
}

ensure_swap() {
  if ! needs_no_swap && ! has_room_for_swap; then
    note "less than 2 GB of memory, no swap, and no room for a file of $swap_mb MB on /: a deploy may run out of memory"
    return
  fi
  ensure "$swap_file: $swap_mb MB of swap, there is less than 2 GB of memory" needs_no_swap make_swap
}
