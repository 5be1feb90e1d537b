#!/usr/bin/env bash
# clang-format and clang-tidy over what is written by hand; clang's -Wthread-safety is part of the tsan build.
#
#   tests/lint.sh            both
#   tests/lint.sh format     only the layout
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cmake/install-dependencies.sh --dev

mapfile -t sources < <(find capi examples include src tests -name '*.cc' -o -name '*.h' -o -name '*.c' | sort)
[ ${#sources[@]} -gt 0 ] || { echo "no sources to look at" >&2; exit 1; }
clang-format --dry-run -Werror "${sources[@]}"
[ "${1-}" != format ] || exit 0

# A build with clang knows how each file is compiled, in words that clang-tidy understands. Generated sources have to be
# there, objects have not.
build=build/lint
cmake --preset lint >/dev/null
cmake --build "$build" --target warppool_wire_sources >/dev/null
log=build/clang-tidy.log
if ! run-clang-tidy -quiet -p "$build" "$PWD/(src|capi|examples)/.*\.cc$" >"$log" 2>&1; then
  grep -E -A4 '(error|warning):' "$log" || tail -n 40 "$log"
  exit 1
fi
