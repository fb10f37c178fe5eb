#!/usr/bin/env bash
# Receives the WAL of the cluster into /wal, for ever: pg_receivewal does the receiving, this starts it again whatever
# happens to it. /wal/state.json says how it goes; health.sh and `make health` read it.
#
# PGHOST, PGUSER, PGPASSWORD   the role atlas_wal, which `make deploy` creates
set -Eeuo pipefail
umask 077
shopt -s nullglob
export TZ=UTC LC_ALL=C
# Past Debian's wrappers in Perl, which look for a version each time.
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done

readonly here=${BASH_SOURCE[0]%/*} store=/wal slot=atlas_wal log=/tmp/receiver.log
readonly beat_seconds=5 # how often a heartbeat is written
# A receiver that has flushed nothing for so long while a heartbeat waits hangs, whatever its process looks like.
readonly hung_seconds=15
readonly max_delay=30 # between two starts, seconds

# shellcheck source=compose/wal/segments.sh
. "$here/segments.sh"
# shellcheck source=compose/wal/epoch.sh
. "$here/epoch.sh"

receiver='' compressor='' # process ids
error='' compress_error='' # what is wrong now
epoch='' system='' timeline=0 flushed=0/0 heartbeat=''
pending_at='' pending_lsn='' # the heartbeat that is written and not known to be flushed here
delay=1 start_at=0 beat_at=0 progress_at=0 compress_at=0 state='' state_at=0

# usage: trouble TEXT - says what is wrong, once, and keeps it for state.json
trouble() {
  local text=${1//$'\n'/ }
  [[ $text == "$error" ]] || echo "error: $text" >&2
  error=$text
}

# Whatever keeps it from starting is tried again, after a pause that doubles.
postpone() {
  start_at=$((EPOCHSECONDS + delay))
  delay=$((delay * 2 > max_delay ? max_delay : delay * 2))
}

start_receiver() {
  remove_missized
  if ! find_epoch; then
    postpone
    return
  fi
  pg_receivewal --no-password --slot="$slot" --synchronous --no-loop --directory="$store/$epoch" >"$log" 2>&1 &
  receiver=$! progress_at=$EPOCHSECONDS beat_at=0 pending_at=''
  echo "receiving into $epoch" >&2
}

# usage: note_end EXIT-CODE - what the receiver said last, now that it is gone
note_end() {
  receiver=''
  # The first line is the cause, those after it follow from it.
  trouble "pg_receivewal ended ($1): $(head -n 1 "$log")"
  remove_missized # at once: on a full disk it is the room that compression and state.json need
  postpone
}

# The receiver is well when what was committed is flushed here: neither a process nor a connection proves that.
# https://www.postgresql.org/docs/17/view-pg-replication-slots.html - restart_lsn is what it has flushed.
watch_receiver() {
  local now_flushed
  [[ -n $pending_at ]] || write_heartbeat || return 0
  if ! now_flushed=$(ask "select restart_lsn from pg_replication_slots where slot_name = '$slot';"); then
    trouble "postgres does not say what is flushed: $now_flushed"
    return 0
  fi
  if [[ $now_flushed != "$flushed" ]]; then flushed=$now_flushed progress_at=$EPOCHSECONDS; fi
  if (($(bytes_of "${flushed:-0/0}") >= $(bytes_of "$pending_lsn"))); then
    heartbeat=$pending_at pending_at='' error='' delay=1
  elif ((EPOCHSECONDS - progress_at > hung_seconds)); then
    trouble "pg_receivewal has flushed nothing for $hung_seconds s: killed"
    kill -KILL "$receiver" 2>/dev/null || true # it may be stopped, and take no other signal
  fi
}

# usage: write_heartbeat - false while none waits to be flushed
write_heartbeat() {
  local answer
  ((EPOCHSECONDS >= beat_at)) || return 1
  beat_at=$((EPOCHSECONDS + beat_seconds))
  if ! answer=$(ask "set synchronous_commit = on;
    insert into atlas_wal.heartbeat values (1, clock_timestamp())
      on conflict (id) do update set at = excluded.at
      returning to_char(at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"');
    select pg_current_wal_flush_lsn();"); then
    trouble "postgres takes no heartbeat: $answer"
    return 1
  fi
  pending_at=${answer%%$'\n'*} pending_lsn=${answer##*$'\n'} progress_at=$EPOCHSECONDS
}

# In a process of its own: a slow disk keeps neither receiver nor heartbeat waiting.
start_compressor() {
  [[ -z $compressor && -n $epoch && -n $(list_complete "$epoch") ]] || return 0
  ((EPOCHSECONDS >= compress_at)) || return 0
  compress_complete "$epoch" 2>/tmp/compressor.log &
  compressor=$!
}

# usage: note_compressed EXIT-CODE
note_compressed() {
  compressor='' compress_error=''
  (($1 == 0)) && return 0
  compress_error="complete WAL cannot be compressed: $(tail -n 1 /tmp/compressor.log)"
  echo "error: $compress_error" >&2
  compress_at=$((EPOCHSECONDS + max_delay))
}

# usage: as_json TEXT - null when empty
as_json() {
  local text=${1//[[:cntrl:]\"]/ }
  text=${text//\\/ }
  if [[ -n $text ]]; then printf '"%s"' "$text"; else printf null; fi
}

# Every beat_seconds, and at once when something is new. Not synced: after a crash of the machine it is written anew.
write_state() {
  local receiving=false now
  [[ -z $receiver ]] || receiving=true
  now="\"epoch\":$(as_json "$epoch"),\"system\":$(as_json "$system"),\"timeline\":$timeline,\"receiving\":$receiving"
  now+=",\"heartbeat\":$(as_json "$heartbeat"),\"flushedLsn\":$(as_json "$flushed"),\"error\":$(as_json "${error:-$compress_error}")"
  [[ $now != "$state" ]] || ((EPOCHSECONDS >= state_at + beat_seconds)) || return 0
  state=$now state_at=$EPOCHSECONDS
  # On a full disk the old one stays and its age tells.
  if ! { printf '{"at":"%(%FT%TZ)T",%s}\n' -1 "$now" >"$store/.state.json.new" &&
    mv "$store/.state.json.new" "$store/state.json"; } 2>/dev/null; then
    echo "error: $store/state.json cannot be written" >&2
    rm -f "$store/.state.json.new"
  fi
}

# What the receiver has is flushed; it is asked to go, and killed when it does not.
finish() {
  trap '' TERM INT
  [[ -z $compressor ]] || kill "$compressor" 2>/dev/null || true
  if [[ -n $receiver ]]; then
    kill "$receiver" 2>/dev/null || true
    timeout 5 tail --pid="$receiver" -f /dev/null || kill -KILL "$receiver" 2>/dev/null || true
  fi
  receiver='' error='stopped'
  write_state
  exit 0
}

# A second, or until one of ours ends. One that ended before is only found by asking for it.
wait_for_news() {
  local ended='' code=0
  sleep 1 &
  wait -n -p ended $! ${receiver:+"$receiver"} ${compressor:+"$compressor"} 2>/dev/null || code=$?
  if has_ended "$receiver"; then note_end "$code"; fi
  if has_ended "$compressor"; then note_compressed "$code"; fi
}

# usage: has_ended PID - leaves its exit code in $code of wait_for_news
has_ended() {
  [[ -n $1 ]] || return 1
  [[ $ended != "$1" ]] || return 0
  ! kill -0 "$1" 2>/dev/null || return 1
  code=0
  wait "$1" 2>/dev/null || code=$?
}

# Whether a checkout has brought newer scripts: then the engine starts those.
is_outdated() {
  local file
  for file in "$here"/*.sh; do [[ ! $file -nt /tmp/started ]] || return 0; done
  return 1
}

main() {
  trap finish TERM INT
  : >/tmp/started
  until is_outdated; do
    if [[ -z $receiver ]] && ((EPOCHSECONDS >= start_at)); then start_receiver; fi
    if [[ -n $receiver ]]; then watch_receiver; fi
    start_compressor
    write_state
    wait_for_news
  done
  finish
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
