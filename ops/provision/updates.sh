# shellcheck shell=bash disable=SC2154 # a part of the script that ops/src/commands/provision.ts sends, see main.sh
# Security updates by themselves: https://wiki.debian.org/UnattendedUpgrades

updates_file=/etc/apt/apt.conf.d/20auto-upgrades
updates_timers=(apt-daily.timer apt-daily-upgrade.timer)

updates_run() {
  local dump
  dump=$(apt-config dump APT::Periodic 2>/dev/null) &&
    [[ $dump == *'Update-Package-Lists "1"'* && $dump == *'Unattended-Upgrade "1"'* ]] &&
    systemctl --quiet is-enabled "${updates_timers[@]}"
}

turn_updates_on() {
  write_text "$updates_file" 0644 'APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";' &&
    systemctl unmask "${updates_timers[@]}" &&
    systemctl enable --now "${updates_timers[@]}"
}

ensure_updates() {
  ensure 'security updates every day (unattended-upgrades)' updates_run turn_updates_on
}
