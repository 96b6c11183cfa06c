#!/usr/bin/env bash
# scripts/campaign.sh SECONDS [--seed S] [--runs N] [--jobs J] [--troupe PROGRAM]: random
# scenario files on real processes, with kills, halts, cuts and interrupts. Each run must end by
# itself, with a verdict that fits what was done to it, and leave nothing behind; books and trace
# must agree. What fails is kept, with its seed: the seed alone replays the case.
#
#   scripts/campaign.sh 60
#   scripts/campaign.sh 60 --seed 4711
set -euo pipefail
here=$PWD
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:---help} in
  -h | --help)
    sed -n '2,8s/^# \{0,1\}//p' scripts/campaign.sh
    exit 0
    ;;
esac
program=$PWD/build/dev/cli/troupe
words=()
while [ $# -gt 0 ]; do
  case $1 in
    --troupe)
      program=$(cd "$here" && realpath "${2:?--troupe needs a program}")
      shift 2
      ;;
    *)
      words+=("$1")
      shift
      ;;
  esac
done
if [ "$program" = "$PWD/build/dev/cli/troupe" ]; then
  install_missing "${packages_build[@]}" clang lld python3
  build dev --target troupe
fi
exec python3 -B tests/campaign/campaign.py --troupe "$program" "${words[@]}"
