# shellcheck shell=bash disable=SC2154 # a part of the script that ops/src/commands/provision.ts sends, see main.sh
# The user that CI's key belongs to. It may run ops/ssh-gate as root, which checks what it is asked for, and nothing else.

gate=$root/ops/ssh-gate
sudoers=/etc/sudoers.d/sevra-atlas
sudoers_text="# CI's key may ask this program, which checks every word (make provision)
atlas ALL=(root) NOPASSWD: $gate as-root *"

has_user() {
  getent passwd atlas >/dev/null
}

# "*" is no password; "!", the default, would be a locked account, which sshd may refuse with a key, too.
make_user() {
  useradd --create-home --shell /bin/bash --comment 'CI of Sevra Atlas' --password '*' atlas
}

# In the group docker it would be root.
is_in_no_strong_group() {
  ! has_user || [[ ! " $(id -nG atlas) " =~ \ (docker|sudo|adm)\  ]]
}

leave_strong_groups() {
  usermod --groups '' atlas
}

has_sudoers() {
  is_text "$sudoers" 440 "$sudoers_text"
}

write_sudoers() {
  printf '%s\n' "$sudoers_text" | visudo -cf - && write_text "$sudoers" 0440 "$sudoers_text"
}

authorized_keys() {
  printf '%s/.ssh/authorized_keys' "$(getent passwd atlas | cut -d: -f6)"
}

key_line() {
  printf 'restrict,command="%s" %s' "$gate" "$ci_key"
}

has_key() {
  has_user && is_text "$(authorized_keys)" 644 "$(key_line)"
}

# All of it is root's, the home too: the user cannot give itself another key.
write_key() {
  local file home
  file=$(authorized_keys)
  home=${file%/.ssh/*}
  chown root:atlas "$home" && chmod 0750 "$home" &&
    install -d -m 0755 -o root -g root "$home/.ssh" && write_text "$file" 0644 "$(key_line)"
}

ensure_user() {
  ensure 'user atlas, for the key of CI; no password, no group' has_user make_user
  ensure 'user atlas: out of the groups docker, sudo and adm' is_in_no_strong_group leave_strong_groups
  ensure "$sudoers: user atlas may run ops/ssh-gate" has_sudoers write_sudoers
  [[ -z $ci_key ]] || ensure "user atlas: the key of CI, $ci_key_fingerprint, and no other" has_key write_key
}
