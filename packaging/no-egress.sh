#!/usr/bin/env bash
# Runs a command where there is no network but loopback, and fails if anything in there tried to
# leave: the kernel counts, per network namespace, every packet and connection for which it knew no
# way (`OutNoRoutes`), name look-ups included. Without the right to make a namespace the command runs
# all the same, and it is said that nothing was counted.
set -euo pipefail

# A parent that ends takes the namespace's first process with it.
enter=(unshare --net --kill-child)
[ "$(id -u)" = 0 ] || enter=(unshare --user --map-root-user --net --kill-child)

if [ "${1:-}" != --inside ]; then
  if "${enter[@]}" ip link set lo up 2>/dev/null; then
    exec "${enter[@]}" "$0" --inside "$@"
  fi
  echo "no egress: skipped, no network namespace can be made here (needs unshare and iproute2)"
  exec "$@"
fi
shift

counted() {
  awk '$1 == "Ip:" { if (n) print $n; else for (i = 1; i <= NF; i++) if ($i == "OutNoRoutes") n = i }' \
    /proc/net/snmp
  awk '$1 == "Ip6OutNoRoutes" { print $2 }' /proc/net/snmp6 2>/dev/null || true
}
total() { counted | awk '{ sum += $1 } END { print sum + 0 }'; }
# A packet to a documentation address (RFC 5737, RFC 3849).
leave() { (: >"/dev/udp/$1/9") 2>/dev/null || true; }

ip link set lo up
devices=$(ip -o link | awk -F': ' '{ print $2 }')
[ "$devices" = lo ] || { echo "no egress: there is more than loopback: $devices" >&2; exit 1; }
# The counter counts, or the result would mean nothing.
start=$(total)
leave 192.0.2.1
leave 2001:db8::1
proof=$(total)
[ "$proof" -gt "$start" ] || { echo "no egress: this kernel does not count" >&2; exit 1; }

status=0
"$@" || status=$?
left=$(($(total) - proof))
echo "no egress: $left packets beyond loopback"
[ "$left" = 0 ] || { echo "no egress: something tried to leave the machine" >&2; exit 1; }
exit "$status"
