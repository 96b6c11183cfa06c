#!/usr/bin/env bash
# Runs over two hosts, as far as one machine can show them: the far node has a network, a file system, a clock, a
# name and a boot id of its own, so that nothing is shared but a cable. Looks whether the far trace comes home: at the
# end of a run, after the cable was out for two seconds, and by `troupe trace collect` after the far node was killed.
# usage: tests/distributed/two_hosts.sh PROGRAM
# Needs unshare and ip (util-linux, iproute2), but not root; exit code 77 where the system allows no namespaces.
set -euo pipefail
self=$(realpath "$0")

alone=(unshare --user --map-root-user --net --mount --pid --time --uts --fork --mount-proc --kill-child)
if [[ ${1-} != inside ]]; then
  program=$(realpath "${1:?name the program}")
  if ! command -v ip > /dev/null || ! "${alone[@]}" true; then
    echo "two_hosts.sh: not run, since there are no namespaces, or no ip, for this user" >&2
    exit 77
  fi
  exec "${alone[@]}" "$self" inside "$program"
fi
program=$2

here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
die() {
  printf 'two_hosts.sh: %s\n' "$*" >&2
  tail -n 5 "$here"/near/errors "$here"/far/errors >&2 2> /dev/null || true
  exit 1
}

mkdir "$here/near" "$here/far"
cd "$here/near"
touch errors
"$program" keygen -o main.key > /dev/null 2>&1 || die "$program keygen ended with $?"
"$program" keygen -o "$here/far/far.key" > /dev/null 2>&1 || die "$program keygen ended with $?"
scenario_file() { # PARAMETERS
  cat << END
scenario = "worker_pool"
[parameters]
$1
[topology]
nodes = 1
endpoint = "tcp"
host = "192.0.2.1"
external = ["far"]
join_timeout = "60s"
[topology.security]
secret_key = "main.key"
allowed_clients = [$(grep -o '".*"' "$here/far/far.key.pub")]
END
}
scenario_file "first = 10_000_000_000_000
count = 3_000
prefetch = 32" > computing.toml
# Ten seconds for four workers, whatever the machine.
scenario_file "task = \"sleep\"
unit = \"50ms\"
prefetch = 1
inputs = [$(printf '1, %.0s' {1..800})]" > sleeping.toml
mkfifo "$here/far/endpoint"
ip link set lo up

# Waits up to a minute until COMMAND succeeds.
await() { # COMMAND...
  for ((i = 0; i < 1200; ++i)); do
    if "$@" > /dev/null 2>&1; then return; fi
    sleep 0.05
  done
  die "this did not become true: $*"
}

far_side() {
  mount -t tmpfs none "$here/near"
  echo 11111111-2222-3333-4444-555555555555 > "$here/far/boot_id"
  mount --bind "$here/far/boot_id" /proc/sys/kernel/random/boot_id
  hostname far-host
  endpoint=$(cat "$here/far/endpoint")
  cd "$here/far"
  ip link set lo up
  ip addr add 192.0.2.2/24 dev far0
  ip link set far0 up
  exec "$program" node --join "$endpoint" --name far --key far.key
}
export -f far_side
export here program

# Starts a run and its far node; their numbers are in near_pid and far_pid.
start() { # FAR CLOCK'S LEAD IN SECONDS, FILE, ARGUMENTS OF RUN
  local lead=$1
  shift
  rm -rf "$here/far/trace-far" errors
  touch errors
  unshare --net --mount --uts --time --monotonic "$lead" --fork --kill-child bash -ec far_side 2> "$here/far/errors" &
  far_pid=$!
  await own_network "$far_pid"
  ip link add near0 type veth peer name far0
  ip link set far0 netns "$far_pid"
  ip addr add 192.0.2.1/24 dev near0
  ip link set near0 up
  "$program" run "$@" > output 2> errors &
  near_pid=$!
  await grep -q 'troupe node --join' errors
  grep -m 1 -o "tcp://[^']*" errors > "$here/far/endpoint"
  await far_has_worked
}

own_network() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]; }
far_has_worked() { "$program" trace show "$here/far/trace-far" --where 'kind=sent and type=task_done' | grep task_done; }

end() {
  wait "$near_pid" || die "the run ended with $?"
  wait "$far_pid" || [[ ${1-} == killed ]] || die "the far node ended with $?"
  ip link del near0 2> /dev/null || true
}

expect() { # PATTERN COMMAND...
  local pattern=$1
  shift
  "$program" "$@" > answer 2>&1 || die "troupe $* ended with $?: $(cat answer)"
  grep -q -- "$pattern" answer || die "troupe $* does not say '$pattern' but: $(cat answer)"
}

start 5000 computing.toml
end
expect 'the trace is complete' trace summary
expect 'far on host far-host is 1 h 23 m off that of main' trace summary
printf 'at the end of a run: the far trace is there, its clock an hour ahead\n'

start -60 sleeping.toml --set unit=500ms --set prefetch=32 # a few seconds, with much under way
ip link set near0 down
sleep 2
ip link set near0 up
end
expect 'the trace is complete' trace summary
expect 'far on host far-host is -60.0 s off that of main' trace summary
printf 'the cable out for two seconds: nothing is missing; the far clock a minute behind\n'

start 5000 sleeping.toml
kill -9 "$far_pid"
end killed
expect 'the trace of far .* is missing' trace summary
expect 'far: 1 file' trace collect --from "$here/far/trace-far"
expect 'far did not close its trace' trace summary
expect 'it balances' trace summary
printf 'the far node killed: its trace was brought in by collect, and the books balance\n'
