#!/usr/bin/env bash
# usage: ops/move-checkout.sh
#
# Ends a move of this checkout to another commit. What is to be done lies ready in .atlas/checkout (ops/src/host/checkout.ts
# prepares it): from the moment that directory has its name, the move is decided, and however often it is killed, the next
# run of any verb (ops/atlas) ends it. Each step can be repeated. Nothing happens when there is no such directory.
#
#   delete   files to remove, each ended by a NUL    files/   files to put in place
#   head     "branch REF" or "commit HASH"           index    git's index of that commit
set -Eeuo pipefail
umask 022 # containers of every uid read these files

delete_files() {
  local file
  while IFS= read -r -d '' file; do
    # A directory: one of the new files is in it already.
    [[ -d $file && ! -L $file ]] || rm -f -- "$file"
    rmdir -p --ignore-fail-on-non-empty -- "$(dirname -- "$file")" 2>/dev/null || true
  done <"$move/delete"
}

place_files() {
  local file
  while IFS= read -r -d '' file; do
    mkdir -p -- "$(dirname -- "$file")"
    mv -fT -- "$move/files/$file" "$file"
  done < <(find "$move/files" ! -type d -printf '%P\0')
}

point_git() {
  local kind target
  read -r kind target <"$move/head"
  case $kind in
    branch) git symbolic-ref HEAD "$target" ;;
    commit) git update-ref --no-deref HEAD "$target" ;;
  esac
  [[ ! -e $move/index ]] || mv -f -- "$move/index" "$(git rev-parse --git-path index)"
}

main() {
  local move=.atlas/checkout
  cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
  exec 8>>.atlas/checkout.lock
  flock 8
  [[ -d $move ]] || return 0
  delete_files
  place_files
  point_git
  rm -rf -- "$move"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
