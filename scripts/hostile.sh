#!/usr/bin/env bash
# scripts/hostile.sh [SECONDS] [--seed S]: sends hostile bytes to the ports of runs for so many
# seconds (60): as strangers, as members and as broken peers of a launcher, and as clients of
# the echo server. Each run must pass, in bounded memory, and tell each stranger once. What does not is
# told with its seed, and its files are kept.
#
#   scripts/hostile.sh 600
#   scripts/hostile.sh 1 --seed 4711
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  -h | --help)
    sed -n '2,8s/^# \{0,1\}//p' scripts/hostile.sh
    exit 0
    ;;
esac
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
install_missing "${packages_build[@]}" clang lld python3 python3-zmq
build dev --target troupe
exec /usr/bin/python3 -B tests/campaign/hostile.py build/dev/cli/troupe --seconds "$seconds" "$@"
