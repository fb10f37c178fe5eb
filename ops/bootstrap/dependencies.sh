# shellcheck shell=bash disable=SC2034,SC2154 # a part of ops/bootstrap.sh, which holds the shared names
# npm dependencies, installed when the lockfile changed. The stamp says what is there:
#   SCOPE SHA256-OF-THE-LOCKFILE      with scope ops (what a server needs) or all (what a developer needs)

stamp=$root/node_modules/.atlas-installed

lockfile_hash() {
  local hash
  hash=$(sha256sum "$root/package-lock.json")
  printf '%s' "${hash%% *}"
}

# An `npm install` or `npm ci` by hand leaves no stamp: npm's own record is newer than the lockfile then,
# and the development tools are there.
installed_by_hand() {
  [[ ! -e $stamp || $root/node_modules/.package-lock.json -nt $stamp ]] &&
    [[ $root/node_modules/.package-lock.json -nt $root/package-lock.json && -x $root/node_modules/.bin/mocha ]]
}

# usage: dependencies_are_there SCOPE
dependencies_are_there() {
  local have='' hash=''
  [[ ! -f $stamp ]] || read -r have hash <"$stamp" || true
  [[ $hash == "$(lockfile_hash)" && ($have == all || $have == "$1") ]]
}

install_dependencies() {
  ! dependencies_are_there "$scope" || return 0
  if installed_by_hand; then
    write_stamp all
    return
  fi
  local have=''
  [[ ! -f $stamp ]] || read -r have _ <"$stamp" || true
  # Never takes a developer's tools away.
  [[ $have != all ]] || scope=all
  exec 8<"$root/package-lock.json"
  flock 8
  dependencies_are_there "$scope" || run_npm
  exec 8<&-
}

run_npm() {
  local options=(ci --no-audit --no-fund)
  [[ $scope == all ]] || options+=(--workspace ops --omit=dev)
  rm -f "$stamp"
  step "npm: installing the dependencies (${scope/ops/ops only})" npm --prefix "$root" "${options[@]}"
  write_stamp "$scope"
}

write_stamp() {
  printf '%s %s\n' "$1" "$(lockfile_hash)" >"$stamp.new"
  mv "$stamp.new" "$stamp"
}
