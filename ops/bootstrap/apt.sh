# shellcheck shell=bash disable=SC2034,SC2154 # a part of ops/bootstrap.sh, which holds the shared names
# apt: quiet, one update of each source at most, and patient with the updater of a fresh machine.

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=180 -o Acquire::Retries=3 \
    -o Dpkg::Options::=--force-confold "$@"
}

# usage: apt_update [OPTION...] - a new machine's own apt-daily may hold the lists for a while.
apt_update() {
  local attempts=6
  while ((attempts--)); do
    apt_get update --error-on=any "$@" && return
    tail -n 5 "$log" | grep -q 'Could not get lock' || break
    sleep 10
  done
  # Somebody else's broken repository must not stop us: what we need is checked by the install itself.
  apt_get update "$@"
}

apt_install() {
  if [[ -z ${apt_updated:-} ]]; then
    step "apt: reading the package lists" apt_update
    apt_updated=1
  fi
  step "apt: installing $*" apt_get install --no-install-recommends "$@"
}

installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Packages whose command goes by another name.
commands_of() {
  case $1 in
    chromium | chromium-browser) echo chromium chromium-browser google-chrome google-chrome-stable ;;
    iproute2) echo ip ;;
    *) echo "$1" ;;
  esac
}

has_command_of() {
  local name
  for name in $(commands_of "$1"); do
    if command -v "$name" >/dev/null; then return 0; fi
  done
  return 1
}

look_for_packages() {
  local package
  apt_packages=()
  for package in "${extra_packages[@]}"; do
    # Ubuntu's Chromium is a snap behind another name.
    [[ $package != chromium || $(os_release ID) != ubuntu ]] || package=chromium-browser
    has_command_of "$package" || installed "$package" || apt_packages+=("$package")
  done
  ((${#apt_packages[@]} == 0)) || missing+=("${apt_packages[*]}")
}

can_reach() {
  if command -v curl >/dev/null; then
    curl -fsS --max-time 5 -o /dev/null "$1" 2>/dev/null
  else
    timeout 5 bash -c "</dev/tcp/$(cut -d/ -f3 <<<"$1")/443" 2>/dev/null
  fi
}

# usage: add_repository NAME URL SUITE COMPONENT KEY_URL - with its key, known to apt afterwards.
add_repository() {
  local name=$1 url=$2 suite=$3 component=$4 key_url=$5 key=/usr/share/keyrings/$1.asc list=/etc/apt/sources.list.d/$1.sources
  command -v curl >/dev/null || apt_install curl ca-certificates
  step "apt: fetching the key of $url" curl -fsSL --retry 3 --max-time 30 -o "$key.new" "$key_url"
  grep -q 'BEGIN PGP PUBLIC KEY BLOCK' "$key.new" || fail "the key of $url" "curl $key_url" 'that is not a key: is a proxy in the way?'
  mv "$key.new" "$key"
  chmod 0644 "$key"
  (umask 022 && printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nArchitectures: %s\nSigned-By: %s\n' \
    "$url" "$suite" "$component" "$(dpkg --print-architecture)" "$key" >"$list")
  step "apt: reading the lists of $url" apt_update -o "Dir::Etc::sourcelist=$list" -o Dir::Etc::sourceparts=- \
    -o APT::Get::List-Cleanup=0
}

install_missing() {
  open_log
  say "setting up $distribution (log: $log)"
  command -v openssl >/dev/null || apt_packages+=(openssl)
  [[ -s /etc/ssl/certs/ca-certificates.crt ]] || apt_packages+=(ca-certificates)
  if ((${#apt_packages[@]})); then apt_install "${apt_packages[@]}"; fi
  [[ -z ${node_missing:-} ]] || install_node
  ((${#engine_missing[@]} == 0)) || install_engine
}
