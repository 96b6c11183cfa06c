#!/usr/bin/env bash
# scripts/check_style.sh [--tidy [FILE...]]: format, length of files, the arrows between the rooms, that a
# class stands in one source, and that all output passes one place. With --tidy also clang-tidy, on the given
# sources or on those that differ from main; `--tidy all` on every source.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

lines_max=800
rooms=(base trace transport actors runner scenarios cli)
failed=0

complain() {
  printf '%s\n' "$*" >&2
  failed=1
}

sources=()
while IFS= read -r file; do
  sources+=("$file")
done < <(find "${rooms[@]}" bench examples tests -name '*.[ch]pp' 2>/dev/null | sort)

check_format() {
  if ! command -v clang-format >/dev/null; then
    say "clang-format is not installed: the format is not checked"
    return
  fi
  local found
  found=$(clang-format --dry-run -Werror "${sources[@]}" 2>&1 | sed -nE 's/^([^ :]+):[0-9]+:[0-9]+: error.*/\1/p' | sort -u) || true
  [ -z "$found" ] || complain "run: clang-format -i ${found//$'\n'/ }"
}

check_length() {
  local file lines
  for file in "${sources[@]}" trace/view/viewer/*.js tests/viewer/*.mjs; do
    lines=$(wc -l <"$file")
    [ "$lines" -le "$lines_max" ] || complain "$file: $lines lines; at most $lines_max"
  done
}

# Who may include whom, and know what: cmake/rooms.txt says so.
check_rooms() {
  local found
  scripts/check_rooms.py || failed=1
  # Books and trace tell the same because one place writes both.
  if found=$(grep -rnE 'books_?\.(dropped|dead_lettered)\(' "${rooms[@]}" --include='*.[ch]pp' | grep -v '^actors/runtime/traced_actor.cpp:'); then
    complain "$found"$'\n'"what is not handled is booked by tracing::dropped() and its like, which record it too"
  fi
}

# Nothing is written to stdout or stderr but through base/output, which makes it printable: each
# other way is a way by which something from outside could reach a terminal as it is.
check_output() {
  local file found
  for file in "${sources[@]}"; do
    case $file in
    bench/* | examples/* | tests/* | base/output.cpp | base/files.cpp) continue ;;
    esac
    found=$(sed -E 's/"([^"\\]|\\.)*"//g; s://.*$::; s/\<cout\.flush\(\)//' "$file" |
      grep -nE '\<(cout|cerr|clog|perror|psignal|fwrite)\>|\<v?[fd]?printf *\(|fmt::print|\<(f?put[sc]|putchar) *\(|\<write *\( *([12]|STD)') || true
    [ -z "$found" ] || complain "$file: $found"$'\n'"what is written goes through base/output.hpp"
  done
  if found=$(grep -rnE '(\\x1b|\\033|\\e)\[' "${rooms[@]}" --include='*.[ch]pp' | grep -vE '^(base/shown_text|cli/terminal/console|cli/watch/full_screen)\.cpp:'); then
    complain "$found"$'\n'"colours are styles of a shown_text"
  fi
}

# A seed that was printed gives the same again with every standard library.
check_draws() {
  local found
  if found=$(grep -nE 'std::([a-z_]+_distribution|shuffle|sample|default_random_engine)\>' "${sources[@]}"); then
    complain "$found"$'\n'"what is drawn from a seed is drawn by base/random.hpp"
  fi
}

check_tidy() {
  local files=() file database=build/tidy
  # Each source by itself: what it forgets to include shows.
  cmake --preset dev -B $database -D TROUPE_PRECOMPILE=OFF -D CMAKE_UNITY_BUILD=OFF >/dev/null
  if [ "${1:-}" = all ]; then
    files=("${sources[@]}")
  elif [ $# -gt 0 ]; then
    files=("$@")
  else
    while IFS= read -r file; do
      [ -f "$file" ] && files+=("$file")
    done < <({ git diff --name-only "$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main)" &&
      git ls-files --others --exclude-standard; } | sort -u)
  fi
  for file in "${files[@]}"; do
    case $file in *.cpp) ;; *) continue ;; esac
    if grep -q "\"file\": .*/$file\"" $database/compile_commands.json; then printf '%s\0' "$file"; fi
  done | xargs -0 -r -n 1 -P "$(nproc)" clang-tidy -p $database --quiet 2>/dev/null || complain "clang-tidy has complaints"
}

check_format
check_length
check_rooms
scripts/check_classes.py || failed=1
check_output
check_draws
if command -v shellcheck >/dev/null; then
  shellcheck -x scripts/*.sh tests/distributed/*.sh .ci/run || complain "shellcheck has complaints"
fi
if [ "${1:-}" = --tidy ]; then
  shift
  check_tidy "$@"
fi
[ $failed -eq 0 ] && say "${#sources[@]} files, no complaints"
exit $failed
