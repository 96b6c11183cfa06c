#!/usr/bin/env bash
# scripts/test.sh [--preset PRESET] [arguments of ctest]: installs what is missing
# (Debian packages), builds, checks the style, and runs the tests; without arguments also
# scripts/test_viewer.sh.
#
#   scripts/test.sh
#   scripts/test.sh -R launcher --repeat until-fail:20
#   scripts/test.sh --preset asan-ubsan
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  -h | --help)
    sed -n '2,8s/^# \{0,1\}//p' scripts/test.sh
    exit 0
    ;;
esac
preset=dev
if [ "${1:-}" = --preset ]; then
  preset=${2:?--preset needs a name}
  shift 2
fi

install_missing "${packages_build[@]}" "${packages_test[@]}"
build "$preset"

# The packages of the worker in JavaScript; without them its tests say that they are skipped.
if command -v npm >/dev/null; then
  install_npm_packages examples/node zeromq @msgpack/msgpack || say "npm cannot install the packages of examples/node"
fi

style=0
scripts/check_style.sh || style=$?
tests=0
# One more at a time than there are cores, since many wait for other processes.
ctest --preset "$preset" --no-tests=error -j "$(($(nproc) + 1))" "$@" </dev/null || tests=$?
viewer=0
if [ "$preset" = dev ] && [ $# -eq 0 ]; then
  scripts/test_viewer.sh || viewer=$?
fi
[ "$style" -eq 0 ] || say "the style check failed, see above the tests"
[ "$viewer" -eq 0 ] || say "the test of the viewer failed, see above"
[ "$tests" -eq 0 ] && [ "$style" -eq 0 ] && [ "$viewer" -eq 0 ]
