# shellcheck shell=bash disable=SC2154 # a part of the script that ops/src/commands/provision.ts sends, see main.sh
# A table of its own: nothing here touches the engine's rules, and the engine touches none of these. Ports that the
# engine publishes do not pass `input`: only nginx publishes any.
# https://docs.docker.com/engine/network/packet-filtering-firewalls/

firewall_rules=/etc/sevra-atlas/firewall.nft
firewall_unit=/etc/systemd/system/sevra-atlas-firewall.service
firewall_unit_text="[Unit]
Description=Firewall of Sevra Atlas
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f $firewall_rules
ExecReload=/usr/sbin/nft -f $firewall_rules
ExecStop=/usr/sbin/nft delete table inet sevra_atlas

[Install]
WantedBy=sysinit.target"

# Every port that sshd listens on, and the one that we came in by.
ssh_ports() {
  { printf '%s\n' "$ssh_port" && sshd_settings | awk '$1 == "port" { print $2 }'; } | sort -nu
}

open_ports() {
  printf '%s\n' 80 443 "$(ssh_ports)" | sort -nu
}

firewall_text() {
  local ports
  ports=$(open_ports)
  cat <<END
# Written by make provision.
table inet sevra_atlas
delete table inet sevra_atlas
table inet sevra_atlas {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif lo accept
    # icmp and icmpv6 by number: a small Debian has no /etc/protocols, and nft 1.0.6 asks there.
    meta l4proto { 1, 58 } accept
    udp sport 67 udp dport 68 accept comment "DHCP"
    udp sport 547 udp dport 546 accept comment "DHCPv6"
    tcp dport { ${ports//$'\n'/, } } accept
  }
}
END
}

firewall_stands() {
  command -v nft >/dev/null &&
    is_text "$firewall_rules" 644 "$(firewall_text)" &&
    is_text "$firewall_unit" 644 "$firewall_unit_text" &&
    systemctl --quiet is-enabled "${firewall_unit##*/}" &&
    nft list table inet sevra_atlas >/dev/null 2>&1
}

raise_firewall() {
  write_text "$firewall_rules" 0644 "$(firewall_text)" &&
    nft --check --file "$firewall_rules" &&
    write_text "$firewall_unit" 0644 "$firewall_unit_text" &&
    systemctl daemon-reload &&
    systemctl enable "${firewall_unit##*/}" &&
    systemctl reload-or-restart "${firewall_unit##*/}"
}

# The name of another firewall that is at work here.
other_firewall() {
  local unit
  if command -v ufw >/dev/null && ufw status | grep -q '^Status: active'; then
    printf 'ufw'
    return
  fi
  for unit in firewalld nftables netfilter-persistent shorewall; do
    if systemctl --quiet is-active "$unit"; then
      printf '%s' "$unit"
      return
    fi
  done
  return 1
}

# Ports that answer the outside now and would not any more.
closed_by_firewall() {
  ss -Htln | awk '$4 !~ /^(127\.|\[::1\])/ { sub(/.*:/, "", $4); print $4 }' | sort -nu | grep -vxF "$(open_ports)"
}

ensure_firewall() {
  local other ports closed
  ports=$(open_ports)
  ports=${ports//$'\n'/, }
  if other=$(other_firewall); then
    note "$other is this machine's firewall and stays it; it must let TCP $ports in. Ports that the engine publishes go past it (only nginx publishes any)"
    return
  fi
  closed=$(closed_by_firewall) || true
  ensure "firewall (nftables): TCP $ports may come in${closed:+; closed now: TCP ${closed//$'\n'/, }}" firewall_stands raise_firewall
}
