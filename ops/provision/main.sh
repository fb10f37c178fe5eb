# shellcheck shell=bash disable=SC2034,SC2154 # a part of the script that ops/src/commands/provision.ts sends
# make provision, on the VPS: everything before the first deploy. The laptop joins the parts of this directory, and apt.sh
# and report.sh of ops/bootstrap, sets the names below, and sends all of it to `bash -s`, as root.
#
#   dry_run, harden           empty or 1
#   root                      where the checkout lies: /opt/sevra-atlas
#   origin, tag_wanted        the repository's address and a tag; either may be empty
#   ci_key, ci_key_fingerprint    CI's public key; may be empty
#
# stdout, a line each: "change WHAT", "note TEXT", "fact NAME VALUE". stderr: progress.

# usage: provision USER PORT - who is logged in, and by which of sshd's ports.
provision() {
  ssh_user=$1 ssh_port=$2
  [[ $EUID == 0 ]] || fail_machine 'this must run as root'
  know_distribution || fail_machine "unknown distribution: ${distribution:- }; it must be Debian 12, Debian 13 or Ubuntu 24.04"
  [[ -d /run/systemd/system ]] || fail_machine 'systemd is not what runs this machine'
  if [[ -z $dry_run ]]; then
    exec 7>/run/sevra-atlas-provision.lock
    flock --nonblock 7 || fail_machine 'somebody else provisions this machine right now'
  fi

  ensure_packages
  ensure_user
  ensure_updates
  ensure_swap
  ensure_firewall
  ensure_sshd
  ensure_repository
  report_facts
}

fail_machine() {
  say "error: $1; nothing was changed"
  exit 2
}
