#!/usr/bin/env bash
# scripts/fuzz.sh [SECONDS [TARGET...]]: runs the fuzz targets, or those named, for so many
# seconds each (60), with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer.
# What breaks one is kept in build/fuzz/crashes; put it into tests/fuzz/corpus/TARGET.
#
#   scripts/fuzz.sh 10
#   scripts/fuzz.sh 600 payload_msgpack frame
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  -h | --help)
    sed -n '2,7s/^# \{0,1\}//p' scripts/fuzz.sh
    exit 0
    ;;
esac
seconds=${1:-60}
[ $# -eq 0 ] || shift
[[ $seconds =~ ^[0-9]+$ ]] || die "the time is a number of seconds, not \"$seconds\""
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for corpus in tests/fuzz/corpus/*/; do targets+=("$(basename "$corpus")"); done
fi

install_missing "${packages_build[@]}" clang libclang-rt-14-dev
build fuzz --target "${targets[@]/#/fuzz_}"

broken=()
mkdir -p build/fuzz/crashes
for target in "${targets[@]}"; do
  found=build/fuzz/tests/fuzz/found/$target
  mkdir -p "$found"
  words=()
  [ ! -f "tests/fuzz/$target.dict" ] || words=("-dict=tests/fuzz/$target.dict")
  say "$target, $seconds s"
  build/fuzz/tests/fuzz/"fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="build/fuzz/crashes/$target-" -verbosity=0 -print_final_stats=1 \
    "${words[@]}" "$found" "tests/fuzz/corpus/$target" || broken+=("$target")
done
[ ${#broken[@]} -eq 0 ] || die "broken: ${broken[*]}; the inputs are in build/fuzz/crashes"
