# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: packages, build, messages.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

# What building and testing needs, by Debian's names.
packages_build=(
  g++ cmake ninja-build ccache git
  libcaf-dev libzmq3-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev
  libmsgpack-cxx-dev libutfcpp-dev libsqlite3-dev libsodium-dev libgmp-dev prometheus-cpp-dev catch2
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

# configure PRESET: quiet unless something goes wrong.
configure() {
  local log=build/configure-$1.log
  mkdir -p build
  cmake --preset "$1" >"$log" 2>&1 || {
    cat "$log" >&2
    die "configuring failed"
  }
}

# build PRESET [cmake --build arguments]: quiet unless something goes wrong.
build() {
  local preset=$1 log
  shift
  configure "$preset"
  # Where the compiler is another one than last time, CMake starts over without the rest of the preset.
  if grep -q 'require your cache to be deleted' "build/configure-$preset.log"; then configure "$preset"; fi
  say "building ($preset)"
  if [ -t 2 ]; then
    cmake --build --preset "$preset" "$@" >&2 || die "the build failed"
  else
    log=build/build-$preset.log
    cmake --build --preset "$preset" "$@" >"$log" 2>&1 || {
      grep -vE '^\[[0-9]+/[0-9]+\]' "$log" >&2
      die "the build failed; all of it is in $log"
    }
  fi
}
