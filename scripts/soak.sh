#!/usr/bin/env bash
# scripts/soak.sh TIMES [--load N] [--pause SECONDS] [--seed S] [--tests REGEX]: runs all tests
# TIMES times, beside N processes that compute, and with all processes of the tests standing
# still together now and then, as on a virtual machine that is paused.
#
#   scripts/soak.sh 20 --load 4
#   scripts/soak.sh 5 --pause 9
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:---help} in
  -h | --help)
    sed -n '2,7s/^# \{0,1\}//p' scripts/soak.sh
    exit 0
    ;;
esac
install_missing "${packages_build[@]}" "${packages_test[@]}"
build dev
exec python3 -B tests/campaign/soak.py "$@"
