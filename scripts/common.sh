# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: packages, build, messages.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

# What building and testing needs, by Debian's names.
packages_build=(
  g++ cmake ninja-build ccache git
  libcaf-dev libzmq3-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
  libmsgpack-cxx-dev libutfcpp-dev libsqlite3-dev zlib1g-dev libsodium-dev libgmp-dev prometheus-cpp-dev catch2
)
# What the tests are built with, what checks the style, and what some tests use.
packages_test=(clang lld clang-format shellcheck graphviz iproute2 libvalijson-dev python3 python3-zmq python3-msgpack)

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() {
  say "$*"
  exit 2
}

# install_missing PACKAGE...: nothing happens, and no network is used, if all are there.
install_missing() {
  if ! command -v dpkg-query >/dev/null; then
    say "this is no Debian system: make sure that there is what Debian calls: $*"
    return
  fi
  local package missing=() as_root=()
  for package in "$@"; do
    # shellcheck disable=SC2016 # the format is dpkg's, not the shell's
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      missing+=("$package")
    fi
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "missing packages, and neither root nor sudo: apt-get install ${missing[*]}"
    as_root=(sudo)
    [ -t 0 ] || as_root=(sudo -n) # nobody there to type a password
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get -qq update </dev/null >&2 || say "apt-get update failed; trying with the lists that are there"
  "${as_root[@]}" apt-get -qq install -y --no-install-recommends "${missing[@]}" </dev/null >&2 ||
    die "could not install: ${missing[*]}"
}

# install_npm_packages DIR PACKAGE...: what DIR/package.json lists, unless all PACKAGEs are there.
install_npm_packages() {
  local dir=$1 package
  shift
  for package in "$@"; do
    [ -d "$dir/node_modules/$package" ] && continue
    (cd "$dir" && npm install --no-package-lock --silent --no-audit --no-fund </dev/null >&2) || return 1
    return 0
  done
}

# configure PRESET: quiet unless something goes wrong.
configure() {
  local log=build/configure-$1.log
  mkdir -p build
  [ -f "build/$1/CMakeCache.txt" ] || say "configuring ($1)"
  cmake --preset "$1" >"$log" 2>&1 || {
    cat "$log" >&2
    die "configuring failed"
  }
}

progress_s=15 # a build tells how far it is at most so often, where no terminal shows it all the time

# tell_progress TEXT [end]: a line; on a terminal in the place of the one before, until the end.
tell_progress() {
  if [ ! -t 2 ]; then
    say "$1"
  elif [ "${2:-}" = end ]; then
    printf '\r%s: %s\033[K\n' "$(basename "$0")" "$1" >&2
  else
    printf '\r%s: %s\033[K' "$(basename "$0")" "$1" >&2
  fi
}

# step_of LOG: "120 340" where ninja has made 120 of 340 steps; nothing before the first.
step_of() {
  tail -n 200 "$1" 2>/dev/null | sed -nE '/\] Re-(checking|running)/d; s/^\[([0-9]+)\/([0-9]+)\] .*/\1 \2/p' | tail -n 1
}

# stop_build PID CODE: ends a build, with ninja and the compilers, and the script.
stop_build() {
  trap - INT TERM HUP
  kill -TERM -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  [ ! -t 2 ] || printf '\n' >&2
  say "the build was interrupted"
  exit "$2"
}

# follow_build PID WHAT LOG LAST: tells how far it is until it has ended; sets `steps`. LAST: of the last time.
follow_build() {
  local began=$SECONDS told='' seen=$SECONDS every=$progress_s step total made=''
  steps=0
  [ ! -t 2 ] || every=1
  while kill -0 "$1" 2>/dev/null; do
    sleep 0.1
    [ "$seen" -ne "$SECONDS" ] || continue
    seen=$SECONDS
    read -r step total < <(step_of "$3") || step=0 total=0
    steps=$total
    if [ -z "$told" ]; then
      # Until the first step is made, only the time tells that there is something to make.
      [ "$steps" -gt 0 ] || [ $((SECONDS - began)) -gt $((progress_s / 5)) ] || continue
      tell_progress "building ($2)$4"
      told=$SECONDS
    elif [ $((SECONDS - told)) -ge "$every" ]; then
      [ "$total" -eq 0 ] || made="$step of $total steps, "
      tell_progress "building ($2): $made$((SECONDS - began)) s"
      told=$SECONDS
    fi
  done
  read -r step steps < <(step_of "$3") || steps=0
  [ -z "$told" ] || { [ ! -t 2 ] && [ $((SECONDS - began)) -lt "$every" ]; } ||
    tell_progress "building ($2): ended after $((SECONDS - began)) s" end
}

# build PRESET [cmake --build arguments]: tells how far it is, and nothing where nothing is to be made. What
# it took is kept in build/times, for the next time.
build() {
  local preset=$1 key="$*" log=build/build-$1.log began pid signal status=0 last='' steps was took
  shift
  key=${key// /_}
  configure "$preset"
  # Where the compiler is another one than last time, CMake starts over without the rest of the preset.
  if grep -q 'require your cache to be deleted' "build/configure-$preset.log"; then configure "$preset"; fi
  if read -r was took < <(sed -n "s/^$key //p" build/times 2>/dev/null); then last="; $was steps took $took s last time"; fi
  began=$SECONDS
  set -m # a process group of its own, which a signal to this script can be handed on to
  cmake --build --preset "$preset" "$@" >"$log" 2>&1 </dev/null &
  set +m
  pid=$!
  # shellcheck disable=SC2064 # the process is this one
  for signal in INT:130 TERM:143 HUP:129; do trap "stop_build $pid ${signal#*:}" "${signal%:*}"; done
  follow_build "$pid" "$preset" "$log" "$last"
  wait "$pid" || status=$?
  trap - INT TERM HUP
  if [ "$status" -ne 0 ]; then
    grep -vE '^\[[0-9]+/[0-9]+\]' "$log" >&2
    die "the build failed; all of it is in $log"
  fi
  # A few steps say nothing of the next time that there are many.
  [ "$steps" -ge $((${was:-0} / 10 + 1)) ] || return 0
  { grep -v "^$key " build/times 2>/dev/null || true; } >build/times.new
  printf '%s %s %s\n' "$key" "$steps" $((SECONDS - began)) >>build/times.new
  mv build/times.new build/times
}
