#!/usr/bin/env bash
# usage: ops/cron.sh backup|base|base-due|drill|health|offsite        (/etc/cron.d/<project> calls it; `make cron` writes that file)
#
# Runs the verb that an operator would type, in cron's almost empty environment. What it says goes to
# .atlas/log/cron.log, which is rotated; health is silent there while all is known to be well, or as it was. When each job ended, and how,
# is in .atlas/log/<job>.last. The exit code is the verb's.
set -Eeuo pipefail
umask 077

log_bytes=1000000
log_count=5 # older ones: cron.log.1 to cron.log.5
# A check that hangs must not keep those after it from sounding the alarm.
health_seconds=600

now() {
  date -u +%Y-%m-%dT%H:%M:%SZ
}

# Two jobs of the same minute must not both move the log.
rotate_log() (
  exec 8>rotate.lock
  flock 8
  [[ -f cron.log && $(stat -c %s cron.log) -gt $log_bytes ]] || return 0
  for ((number = log_count; number > 1; number--)); do
    [[ ! -f cron.log.$((number - 1)) ]] || mv "cron.log.$((number - 1))" "cron.log.$number"
  done
  mv cron.log cron.log.1
)

# usage: run_health LOG-DIRECTORY - adds to the log only what somebody should read.
run_health() {
  local log=$1 output trouble code=0
  exec 9>"$log/health.lock"
  if ! flock -n 9; then
    printf '=== %s health: the one before is still running\n' "$started" >>"$log/cron.log"
    return 0
  fi
  output=$(timeout "$health_seconds" ops/atlas health 2>&1 </dev/null) || code=$?
  trouble=$(grep -E '^(note:|unknown|WRONG)' <<<"$output") || ((code == 0)) || trouble=$output
  # The same is said once, not at every look: it would drive everything else out of the log.
  if [[ -n $trouble && $trouble != "$(cat "$log/health.said" 2>/dev/null)" ]]; then
    printf '=== %s health\n%s\n=== exit %s\n' "$started" "$output" "$code" >>"$log/cron.log"
  fi
  printf '%s\n' "$trouble" >"$log/health.said"
  write_last "$log/health.last" "$code"
  return "$code"
}

# usage: run_job LOG-DIRECTORY JOB VERB [OPTION...]
run_job() {
  local log=$1 job=$2 code=0
  shift 2
  printf '=== %s %s\n' "$started" "$job" >>"$log/cron.log"
  ops/atlas "$@" >>"$log/cron.log" 2>&1 </dev/null || code=$?
  printf '=== exit %s after %s s\n' "$code" "$SECONDS" >>"$log/cron.log"
  write_last "$log/$job.last" "$code"
  return "$code"
}

# usage: run_due LOG-DIRECTORY - a base backup if the WAL has none that leads into it; says nothing when it has
run_due() {
  local log=$1 output code=0
  output=$(ops/atlas base --due 2>&1 </dev/null) || code=$?
  [[ -z $output ]] || printf '=== %s base-due\n%s\n=== exit %s\n' "$started" "$output" "$code" >>"$log/cron.log"
  write_last "$log/base-due.last" "$code"
  return "$code"
}

# usage: run_offsite LOG-DIRECTORY - for ever; ended by itself it has newer settings or code to begin with
run_offsite() {
  local log=$1 code=0
  grep -q '^BACKUP_S3_BUCKET=.' .env 2>/dev/null || return 0
  exec 7>"$log/offsite.lock"
  flock -n 7 || return 0
  printf '=== %s offsite\n' "$started" >>"$log/cron.log"
  while ((code == 0)) && grep -q '^BACKUP_S3_BUCKET=.' .env; do
    ops/atlas offsite --watch >>"$log/cron.log" 2>&1 </dev/null || code=$?
  done
  printf '=== exit %s after %s s\n' "$code" "$SECONDS" >>"$log/cron.log"
  write_last "$log/offsite.last" "$code"
  return "$code"
}

# usage: write_last FILE EXIT-CODE
write_last() {
  printf '%s exit %s\n' "$(now)" "$2" >"$1.$$"
  mv "$1.$$" "$1"
}

main() {
  local job=${1:-} log started
  if [[ $# != 1 || ! $job =~ ^(backup|base|base-due|drill|health|offsite)$ ]]; then
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
  fi
  # What the file in /etc/cron.d says comes first: there node and docker were found when it was written.
  export PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
  log=$PWD/.atlas/log
  started=$(now)
  mkdir -p "$log"
  (cd -- "$log" && rotate_log)
  case $job in
    backup) run_job "$log" backup backup --reason nightly --wait 3600 ;;
    base) run_job "$log" base base --wait 3600 ;;
    base-due) run_due "$log" ;;
    drill) run_job "$log" drill drill --wait 3600 ;;
    offsite) run_offsite "$log" ;;
    health) run_health "$log" ;;
  esac
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
