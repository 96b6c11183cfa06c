#!/usr/bin/env bash
# scripts/soak.sh TIMES [--load N] [--pause SECONDS] [--seed S] [--tests REGEX] [--preset P]: runs
# all tests TIMES times, beside N processes that compute, and with all processes of the tests
# standing still together now and then, as on a virtual machine that is paused. The preset is dev,
# as in scripts/test.sh; with release the tests themselves need less of the processor.
#
#   scripts/soak.sh 20 --load 4
#   scripts/soak.sh 5 --pause 9
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:---help} in
  -h | --help)
    sed -n '2,9s/^# \{0,1\}//p' scripts/soak.sh
    exit 0
    ;;
esac
preset=dev
words=()
while [ $# -gt 0 ]; do
  case $1 in
    --preset)
      preset=${2:?--preset needs a name of CMakePresets.json}
      shift 2
      ;;
    *)
      words+=("$1")
      shift
      ;;
  esac
done
install_missing "${packages_build[@]}" "${packages_test[@]}"
build "$preset"
exec python3 -B tests/campaign/soak.py --build "build/$preset" "${words[@]}"
