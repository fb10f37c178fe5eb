# shellcheck shell=bash disable=SC2154,SC2034 # a part of supervisor.sh, which holds $store, $slot and $epoch
# One unbroken stretch of WAL is an epoch, in a directory of its own. pg_receivewal goes on after the newest file that it
# finds in its directory, not where the slot stands: with a gap between the two it would fail for ever, or pass over it.

# usage: ask SQL - rows of database postgres; on failure the last line of what psql said
ask() {
  local answer code=0
  answer=$(timeout -k 1 10 psql -XAtqw -F ' ' -v ON_ERROR_STOP=1 -d 'dbname=postgres connect_timeout=5' 2>&1 \
    <<<"set statement_timeout = '8s'; set client_min_messages = error; $1") || code=$?
  if ((code == 0)); then
    printf %s "$answer"
  else
    answer=${answer##*$'\n'}
    printf %s "${answer:-psql ended with $code}"
  fi
  return "$code"
}

# usage: bytes_of LSN - 0/16B3748 as a number
bytes_of() {
  printf %d "$(((16#${1%/*} << 32) | 16#${1#*/}))"
}

# usage: number_of SEGMENT - its place since the beginning of the WAL
number_of() {
  printf %d "$((16#${1:8:8} * 256 + 16#${1:16:8}))"
}

# Leaves in $epoch, $system and $timeline where the WAL goes on, with a slot that keeps it from there. False when
# postgres cannot be asked.
find_epoch() {
  local answer status restart
  if ! answer=$(ask "select system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
      coalesce(wal_status, 'missing'), coalesce(restart_lsn, '0/0')
    from pg_control_system() left join pg_replication_slots on slot_name = '$slot';"); then
    trouble "postgres does not answer: $answer"
    return 1
  fi
  read -r system timeline status restart <<<"$answer"
  epoch=$(newest_epoch_of "$system" "$timeline")
  if [[ -z $epoch ]]; then
    begin_epoch "$(reason_for "$system")"
  elif [[ $status == missing || $status == lost ]] || ! continues "$epoch" "$restart"; then
    begin_epoch slot-lost
  fi
}

# usage: name_epoch SYSTEM TIMELINE NUMBER
name_epoch() {
  printf '%s-%08X' "$1" "$2"
  if (($3 > 1)); then printf -- '-%d' "$3"; fi
}

# usage: number_epochs SYSTEM TIMELINE - how high they are numbered; 0: there is none. The first ones may have been deleted.
number_epochs() {
  local file first number highest=0
  first=$(name_epoch "$1" "$2" 1)
  for file in "$store/$first"{,-*}/epoch.json; do
    [[ -s $file ]] || continue
    file=${file%/epoch.json} number=${file##*/"$first"}
    number=${number#-}
    ((${number:-1} <= highest)) || highest=${number:-1}
  done
  printf %d "$highest"
}

# usage: newest_epoch_of SYSTEM TIMELINE - nothing when there is none
newest_epoch_of() {
  local number
  number=$(number_epochs "$1" "$2")
  ((number == 0)) || name_epoch "$1" "$2" "$number"
}

# usage: value_of KEY FILE - of epoch.json as begin_epoch writes it
value_of() {
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$2"
}

# usage: reason_for SYSTEM - why a timeline has no epoch yet
reason_for() {
  local all=("$store"/*/epoch.json) own=("$store/$1"-*/epoch.json)
  if ((${#all[@]} == 0)); then
    echo first
  elif ((${#own[@]} == 0)); then
    echo new-cluster
  else
    echo new-timeline
  fi
}

# usage: continues EPOCH LSN - whether no segment is missing between what is here and what the slot keeps
continues() {
  local files=("$store/$1"/[0-9A-F]???????????????????????*) newest next
  if ((${#files[@]} == 0)); then
    next=$(($(bytes_of "$(value_of startLsn "$store/$1/epoch.json")") / segment_bytes))
  else
    newest=${files[-1]##*/} # names sort by position, within a timeline
    next=$(number_of "${newest:0:24}")
    [[ $newest == *.partial ]] || next=$((next + 1))
  fi
  (($(bytes_of "$2") / segment_bytes <= next))
}

# usage: begin_epoch REASON - a slot first: what it keeps is where the epoch begins. Killed in between it is begun again,
# or there is no gap.
begin_epoch() {
  local name start
  start=$(ask "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
      where slot_name = '$slot' and active_pid is not null \\g /dev/null
    select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '$slot' \\g /dev/null
    select lsn from pg_create_physical_replication_slot('$slot', true);") || {
    trouble "no slot can be made: $start"
    return 1
  }
  name=$(name_epoch "$system" "$timeline" $(($(number_epochs "$system" "$timeline") + 1)))
  write_epoch "$name" "$1" "$start" || {
    trouble "$store/$name/epoch.json cannot be written"
    return 1
  }
  epoch=$name
  echo "epoch $epoch begins at $start: $1" >&2
}

# usage: write_epoch NAME REASON LSN
write_epoch() {
  local directory=$store/$1
  mkdir -p "$directory" &&
    printf '{"name":"%s","system":"%s","timeline":%d,"started":"%(%FT%TZ)T","reason":"%s","startLsn":"%s","previous":%s}\n' \
      "$1" "$system" "$timeline" -1 "$2" "$3" "$(as_json "$(latest_epoch)")" >"$directory/.epoch.json.new" &&
    sync "$directory/.epoch.json.new" &&
    mv "$directory/.epoch.json.new" "$directory/epoch.json" &&
    sync "$directory" "$store"
}

# The epoch that was begun last, of whichever cluster; nothing when there is none.
latest_epoch() {
  local file
  for file in "$store"/*/epoch.json; do
    printf '%s %s\n' "$(value_of started "$file")" "$(value_of name "$file")"
  done | sort | tail -n 1 | cut -d ' ' -f 2
}
