# shellcheck shell=bash disable=SC2034,SC2154 # a part of the script that ops/src/commands/provision.ts sends, see main.sh
# Each change as a pair: a check, which changes nothing, and what makes it pass.

# usage: ensure WHAT CHECK CHANGE - CHECK and CHANGE are functions; errexit is off in both (bash: a tested command).
# stdout tells the laptop: "change WHAT", done or, with $dry_run, only planned.
ensure() {
  ! "$2" || return 0
  printf 'change %s\n' "$1"
  [[ -z $dry_run ]] || return 0
  step "$1" "$3"
  "$2" || fail "$1" "$2" 'it was changed and is still not as it should be: see the log, then run the same command again'
}

# usage: note TEXT - what the operator should know; nothing is changed for it.
note() {
  printf 'note %s\n' "$1"
}

# usage: is_text FILE MODE TEXT - a file of root's with exactly this text.
is_text() {
  [[ -f $1 && $(stat -c '%a %U' "$1") == "$2 root" && $(<"$1") == "$3" ]]
}

# usage: write_text FILE MODE TEXT - beside it, then renamed.
write_text() {
  mkdir -p -- "${1%/*}" &&
    printf '%s\n' "$3" >"$1.new" &&
    chmod "$2" "$1.new" &&
    mv -- "$1.new" "$1"
}
