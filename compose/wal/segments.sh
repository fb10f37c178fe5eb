# shellcheck shell=bash disable=SC2154 # a part of supervisor.sh, which holds $store
# Files of the WAL: <segment>.partial while it is received, <segment> when it is whole, <segment>.zst with a line in
# SHA256SUMS for good. A plain file is there until both are, so that a kill at any moment only means doing it again.

readonly segment_bytes=16777216

# A disk that was full leaves one that pg_receivewal refuses for ever. It fills each with zeros before it writes WAL to
# it, so there is nothing in it. Only while no receiver runs.
remove_missized() {
  local file size
  for file in "$store"/*/*.partial; do
    size=$(stat -c %s "$file")
    ((size == 0 || size == segment_bytes)) && continue
    echo "removed ${file#"$store"/}: $size bytes" >&2
    rm "$file"
  done
}

# usage: list_complete EPOCH - every segment that is whole, but the newest file of the epoch that is being received: without
# any pg_receivewal would have to ask the slot where to go on. Oldest first.
list_complete() {
  local file newest=''
  for newest in "$store/$1"/[0-9A-F]???????????????????????*; do :; done # names of 24 signs: no history file
  for file in "$store"/*/[0-9A-F]???????????????????????; do
    [[ $file == "$newest" ]] || printf '%s\n' "$file"
  done
}

# usage: compress_complete EPOCH - ends at the first that fails: plain files stay the newest ones, as pg_receivewal needs
compress_complete() {
  local file
  rm -f "$store"/*/.*.zst.new
  list_complete "$1" | while read -r file; do compress "$file"; done
}

# usage: compress FILE
compress() {
  local file=$1 directory=${1%/*} segment=${1##*/} sum
  local new=$directory/.$segment.zst.new sums=$directory/SHA256SUMS
  nice zstd -3 -q -f "$file" -o "$new"
  zstd -dcq "$new" | cmp -s - "$file" || {
    echo "error: $segment reads back otherwise than it was written" >&2
    return 1
  }
  sum=$(sha256sum <"$new")
  sync "$new"
  mv "$new" "$file.zst"
  # A line that a full disk cut off must not spoil the next.
  [[ ! -s $sums || -z $(tail -c 1 "$sums") ]] || echo >>"$sums"
  printf '%s  %s.zst\n' "${sum%% *}" "$segment" >>"$sums"
  sync "$sums" "$directory"
  rm "$file"
}
