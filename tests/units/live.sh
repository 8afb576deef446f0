#!/usr/bin/env bash
# Runs the appliance as `systemd/millwright.service` says, under a service manager of its own: a real
# systemd as the first process of namespaces of its own, on a file system of which nothing can be
# changed but memory. Fails unless the service becomes ready, is whole in health, reads a document in
# its cage and answers from it, and is restarted when it dies. Exits with 77 where that can't be tried.
#
#   live.sh EXECUTABLE DOCUMENT QUESTION EXPECTED
set -euo pipefail

units="$(cd "$(dirname "$0")/../../systemd" && pwd)"
skip() { echo "skipped: $*"; exit 77; }

if [ "${1:-}" = --inside ]; then
  shift
  executable=$1 document=$2
  mount --make-rprivate /
  for place in /usr/local/bin /srv /etc/systemd/system; do mount -t tmpfs tmpfs "$place"; done
  install -m 0755 "$executable" /usr/local/bin/millwright
  cp "$document" /srv/
  cp "$units"/millwright.{service,socket} /etc/systemd/system/
  # Nothing of the machine's own start: this one service alone.
  for unit in service socket; do
    mkdir "/etc/systemd/system/millwright.$unit.d"
    printf '[Unit]\nDefaultDependencies=no\n' >"/etc/systemd/system/millwright.$unit.d/alone.conf"
  done
  # A development executable is not static: what it is linked with must be executable too.
  if ldd /usr/local/bin/millwright >/dev/null 2>&1; then
    printf '[Service]\nExecPaths=-/usr/lib -/lib -/lib64\n' \
      >>/etc/systemd/system/millwright.service.d/alone.conf
  fi
  printf '[Unit]\nDefaultDependencies=no\nWants=millwright.service\n' \
    >/etc/systemd/system/millwright-live.target
  for place in /run /tmp /var/tmp /var/lib; do mount -t tmpfs tmpfs "$place"; done
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount -o remount,bind,ro /
  ip link set lo up
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=live \
    SYSTEMD_PROC_CMDLINE="systemd.unified_cgroup_hierarchy=1" \
    /lib/systemd/systemd --system --unit=millwright-live.target --log-target=console --log-level=info
fi

executable=$(realpath "$1") document=$(realpath "$2") question=$3 expected=$4
[ "$(id -u)" = 0 ] || skip "only root can start a service manager"
[ -x /lib/systemd/systemd ] && command -v systemctl >/dev/null || skip "systemd is not installed"
command -v ip >/dev/null || skip "iproute2 is not installed"
groups=$(findmnt -n -t cgroup2 -o TARGET | head -1)
[ -n "$groups" ] || skip "there is no cgroup2 file system"
group="$groups/millwright-live-$$"
mkdir "$group" 2>/dev/null || skip "no control group can be made"
work=$(mktemp -d)
first=""
tidy() {
  [ -z "$first" ] || kill -KILL "$first" 2>/dev/null || true
  for _ in $(seq 50); do
    find "$group" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
    rmdir "$group" 2>/dev/null && break
    sleep 0.1
  done
  rm -rf -- "$work"
}
trap tidy EXIT

(
  echo "$BASHPID" >"$group/cgroup.procs"
  exec unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child=KILL --mount-proc \
    "$0" --inside "$executable" "$document"
) >"$work/console" 2>&1 &
outer=$!
for _ in $(seq 100); do
  first=$(pgrep -P "$outer" | head -1 || true)
  [ -n "$first" ] && break
  kill -0 "$outer" 2>/dev/null || { cat "$work/console"; skip "the namespaces can't be made"; }
  sleep 0.1
done
inside() { nsenter --target "$first" --mount --pid --net --ipc --uts -- "$@"; }
# Where a service manager can't be started at all, that says nothing about the unit.
managed=""
for _ in $(seq 150); do
  if inside systemctl show --property Version >/dev/null 2>&1; then managed=yes; break; fi
  kill -0 "$first" 2>/dev/null || break
  sleep 0.1
done
[ -n "$managed" ] || { cat "$work/console"; skip "a service manager can't be started here"; }
fail() {
  echo "live unit: $*" >&2
  cat "$work/console" >&2
  inside systemctl status --no-pager --full millwright.service >&2 || true
  exit 1
}
state() { inside systemctl is-active millwright.service 2>/dev/null || true; }
until_active() {
  for _ in $(seq 300); do
    case $(state) in active) return 0 ;; failed) fail "the service failed" ;; esac
    sleep 0.1
  done
  fail "the service is not active after 30 s: $(state)"
}
# Ready by its own word (sd_notify), as the unit is of type notify.
until_active
show() { inside systemctl show --property "$1" --value millwright.service; }
[ "$(show StatusText)" = "answers on https://127.0.0.1:8443" ] || fail "it says: $(show StatusText)"
[ "$(show WatchdogTimestampMonotonic)" != 0 ] || fail "the watchdog was not fed"
health=$(inside python3 - <<'PY'
import json, ssl, urllib.request
whom = ssl._create_unverified_context()
with urllib.request.urlopen("https://127.0.0.1:8443/health/ready", context=whom) as answer:
    told = json.load(answer)
parts = {part["name"]: part for part in told["parts"]}
for name in ("store", "parse_cage", "model_cage"):
    if parts[name]["state"] != "ok":
        raise SystemExit(f"{name}: {parts[name]}")
print(f"{told['state']}: parse cage {parts['parse_cage']['detail']}; "
      f"model cage {parts['model_cage']['detail']}")
PY
) || fail "it is not whole: $health"
at() { inside /usr/local/bin/millwright "$@" --data-dir /var/lib/millwright; }
at tenant create plant >/dev/null || fail "no tenant can be made"
at ingest "/srv/$(basename "$document")" --tenant plant >/dev/null || fail "the document is not read"
answer=$(at ask "$question" --tenant plant) || fail "no answer: $answer"
[[ $answer == *"$expected"* ]] || fail "the answer is: $answer"
# Whoever dies is started again, and what was stored is there.
inside systemctl kill --signal=KILL millwright.service
sleep 1
until_active
[ "$(show NRestarts)" -ge 1 ] || fail "it was not started again"
answer=$(at ask "$question" --tenant plant) || fail "no answer after the restart: $answer"
[[ $answer == *"$expected"* ]] || fail "the answer after the restart is: $answer"
inside systemctl stop millwright.service || fail "it does not stop"
[ "$(show Result)" = success ] || fail "it stopped with: $(show Result)"
echo "live unit: $health; read, asked, killed, started again, asked, stopped"
