# shellcheck shell=bash disable=SC2154 # a part of the script that ops/src/commands/provision.ts sends, see main.sh
# Keys only. The name makes it the first of sshd's files: for each keyword the first value counts (sshd_config(5)).

sshd_file=/etc/ssh/sshd_config.d/00-sevra-atlas.conf

# usage: sshd_settings - what holds for whoever is logged in now.
sshd_settings() {
  mkdir -p /run/sshd # gone while a socket listens for sshd (Ubuntu)
  /usr/sbin/sshd -T -C "user=$ssh_user,host=localhost,addr=127.0.0.1"
}

# usage: sshd_has KEYWORD VALUE
sshd_has() {
  grep -qixF "$1 $2" <<<"$sshd_now"
}

sshd_is_hard() {
  local sshd_now
  sshd_now=$(sshd_settings) &&
    sshd_has passwordauthentication no &&
    sshd_has kbdinteractiveauthentication no &&
    ! sshd_has permitrootlogin yes
}

# Without a password only keys are left: they must be allowed, for the user that we are, too.
keys_are_accepted() {
  local sshd_now
  sshd_now=$(sshd_settings) &&
    sshd_has pubkeyauthentication yes &&
    { [[ $ssh_user != root ]] || ! sshd_has permitrootlogin no; }
}

sshd_text() {
  local sshd_now
  sshd_now=$(sshd_settings)
  printf '# Written by make provision HARDEN=1.\nPasswordAuthentication no\nKbdInteractiveAuthentication no'
  # "no" is stricter and stays.
  sshd_has permitrootlogin no || printf '\nPermitRootLogin prohibit-password'
}

harden_sshd() {
  write_text "$sshd_file" 0644 "$(sshd_text)" && /usr/sbin/sshd -t && sshd_is_hard && keys_are_accepted && reload_sshd && return
  rm -f "$sshd_file"
  reload_sshd
  echo "taken back: with $sshd_file sshd would not be as it should; does /etc/ssh/sshd_config include sshd_config.d?"
  return 1
}

reload_sshd() {
  systemctl try-reload-or-restart ssh
}

ensure_sshd() {
  if [[ -n $harden ]]; then
    ensure 'sshd: keys only, no passwords' sshd_is_hard harden_sshd
  elif ! sshd_is_hard; then
    note 'sshd accepts passwords; HARDEN=1 allows keys only'
  fi
}
