#!/usr/bin/env bash
# scripts/run.sh FILE [arguments of `troupe run`]: installs what is missing (Debian
# packages), builds a release, and runs the scenario file.
#
#   scripts/run.sh config/worker_pool.toml
#   scripts/run.sh config/worker_pool.toml --nodes 3 --set workers=6
set -euo pipefail
here=$PWD
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [ $# -eq 0 ] || [ "$1" = --help ] || [ "$1" = -h ]; then
  sed -n '2,6s/^# \{0,1\}//p' scripts/run.sh >&2
  exit 2
fi

install_missing "${packages_build[@]}"
build release --target troupe
ln -sfn build/release/cli/troupe troupe
program=$PWD/troupe
cd "$here"
exec "$program" run "$@"
