#!/usr/bin/env bash
# clang-format and clang-tidy over what is written by hand, and the documents beside the sources that they speak of;
# clang's -Wthread-safety is part of the builds with sanitizers.
#
#   tests/lint.sh               format, then tidy
#   tests/lint.sh format        only the layout, and the documents
#   tests/lint.sh tidy          clang-tidy without its analyzer, many files at a time; two minutes on two cores
#   tests/lint.sh tidy-all      clang-tidy with its analyzer, file by file; a quarter of an hour
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cmake/install-dependencies.sh --dev

check_format() {
  local sources
  mapfile -t sources < <(find capi examples include src tests -name '*.cc' -o -name '*.h' -o -name '*.c' | sort)
  [ ${#sources[@]} -gt 0 ] || { echo "no sources to look at" >&2; exit 1; }
  clang-format --dry-run -Werror "${sources[@]}"
  tests/docs.py
}

# What is compiled, but for generated files, whose names have another dot.
own_files='(/Unity/unity_[0-9]+_cxx\.cxx|/(src|capi|examples)/[a-z0-9_/]+\.cc)$'

# run_tidy <preset> <clang-tidy argument ...>: a build with clang knows how each file is compiled, in words that clang-tidy
# understands. Generated sources have to be there, objects have not.
run_tidy() {
  local build=build/$1 log=build/$1.log count
  mkdir -p build
  { cmake --preset "$1" && cmake --build "$build" --target warppool_wire_sources; } >"$log" 2>&1 ||
    { tail -n 40 "$log"; exit 1; }
  count=$(sed -nE 's/^ *"file": "(.*)",?$/\1/p' "$build/compile_commands.json" | grep -cE "$own_files" || true)
  echo "clang-tidy: $count units"
  [ "$count" -gt 0 ] || exit 1
  if ! run-clang-tidy -quiet -p "$build" "${@:2}" "$own_files" >"$log" 2>&1; then
    grep -E -A4 '(error|warning):' "$log" || tail -n 40 "$log"
    exit 1
  fi
}

# Where many files are one, each of them is included, and its findings are to be shown as a header's are.
tidy_units() {
  run_tidy lint -checks='-clang-analyzer-*,-bugprone-suspicious-include' \
    -header-filter='/(include/warppool|src|capi|examples)/[a-z0-9_/]+\.(h|cc)$'
}

case "${1-}" in
  "") check_format && tidy_units ;;
  format) check_format ;;
  tidy) tidy_units ;;
  tidy-all) run_tidy lint-files ;;
  *) echo "usage: $0 [format|tidy|tidy-all]" >&2; exit 2 ;;
esac
