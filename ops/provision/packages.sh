# shellcheck shell=bash disable=SC2154 # a part of the script that ops/src/commands/provision.ts sends, see main.sh
# What the checkout and the rest of this script need. Node and the engine come with the first deploy (ops/bootstrap.sh).

packages=(ca-certificates cron curl git iproute2 make nftables openssl sudo unattended-upgrades)

missing_packages() {
  local package
  for package in "${packages[@]}"; do installed "$package" || printf '%s\n' "$package"; done
}

packages_are_there() {
  [[ -z $(missing_packages) ]]
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  # What a connection that was cut left half-way.
  dpkg --configure -a && apt_update && apt_get install --no-install-recommends "${missing[@]}"
}

ensure_packages() {
  local missing
  missing=$(missing_packages)
  ensure "packages: ${missing//$'\n'/ }" packages_are_there install_packages
}
