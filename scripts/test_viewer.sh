#!/usr/bin/env bash
# scripts/test_viewer.sh: tries the viewer's page and the Mermaid export in headless Chromium. Builds the program,
# installs Debian's chromium and npm's playwright-core and mermaid where missing, and is skipped, with a
# message, where they cannot be had. SHOTS=DIR keeps screenshots.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  -h | --help)
    sed -n '2,4s/^# \{0,1\}//p' scripts/test_viewer.sh
    exit 0
    ;;
esac
skip() {
  say "skipped: $*"
  exit 0
}

command -v chromium >/dev/null || (install_missing chromium) || skip "there is no chromium"
command -v npm >/dev/null || (install_missing nodejs npm) || skip "there is no npm"
install_npm_packages tests/viewer playwright-core mermaid || skip "npm cannot install playwright-core and mermaid"
build dev --target troupe make_trace

pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
for events in 1000 100000 1000000; do
  mkdir "$pages/$events"
  build/dev/tests/make_trace "$pages/$events" "$events"
  build/dev/cli/troupe trace view "$pages/$events" -o "$pages/$events.html" >/dev/null
  build/dev/cli/troupe trace export --format mermaid "$pages/$events" -o "$pages/$events.mermaid" >/dev/null
done
shots=
[ -z "${SHOTS:-}" ] || { mkdir -p "$SHOTS" && shots=$(realpath "$SHOTS"); }
cd tests/viewer
PAGES=$pages SHOTS=$shots CHROMIUM=$(command -v chromium) npm test --silent
