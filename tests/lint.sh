#!/usr/bin/env bash
# clang-format and clang-tidy over what is written by hand; clang's -Wthread-safety is part of the builds with sanitizers.
#
#   tests/lint.sh               format, then tidy
#   tests/lint.sh format        only the layout
#   tests/lint.sh tidy          clang-tidy without its analyzer, over what the last 30 commits touched
#   tests/lint.sh tidy-all      clang-tidy with its analyzer over everything; takes a quarter of an hour on two cores
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cmake/install-dependencies.sh --dev

check_format() {
  local sources
  mapfile -t sources < <(find capi examples include src tests -name '*.cc' -o -name '*.h' -o -name '*.c' | sort)
  [ ${#sources[@]} -gt 0 ] || { echo "no sources to look at" >&2; exit 1; }
  clang-format --dry-run -Werror "${sources[@]}"
}

# The files to compile so that what was touched is seen: a header is seen through the files that include it, and of those
# its own .cc file, or else the first, is enough.
touched_sources() {
  local base file includer
  base=$(git rev-parse --quiet --verify HEAD~30 || git rev-list --max-parents=0 HEAD | tail -n 1)
  git diff --name-only --diff-filter=d "$base" -- '*.cc' '*.h' | grep -E '^(capi|examples|include|src)/' |
    while read -r file; do
      case "$file" in
        *.cc) echo "$file" ;;
        *.h)
          if [ -e "${file%.h}.cc" ]; then
            echo "${file%.h}.cc"
          else
            includer=$(git grep -lE "#include [<\"]([a-z_]+/)*$(basename "$file")[>\"]" -- 'src/*.cc' 'capi/*.cc' 'examples/*.cc' |
              head -n 1)
            [ -z "$includer" ] || echo "$includer"
          fi
          ;;
      esac
    done | sort -u
}

# run_tidy <checks> <pattern ...>: a build with clang knows how each file is compiled, in words that clang-tidy understands.
# Generated sources have to be there, objects have not.
run_tidy() {
  local build=build/lint log=build/clang-tidy.log
  mkdir -p build
  { cmake --preset lint && cmake --build "$build" --target warppool_wire_sources; } >"$log" 2>&1 ||
    { tail -n 40 "$log"; exit 1; }
  if ! run-clang-tidy -quiet -p "$build" ${1:+-checks="$1"} "${@:2}" >"$log" 2>&1; then
    grep -E -A4 '(error|warning):' "$log" || tail -n 40 "$log"
    exit 1
  fi
}

check_touched() {
  local sources
  mapfile -t sources < <(touched_sources)
  echo "clang-tidy: ${#sources[@]} files"
  [ ${#sources[@]} -eq 0 ] || run_tidy '-clang-analyzer-*' "${sources[@]/%/\$}"
}

case "${1-}" in
  "") check_format && check_touched ;;
  format) check_format ;;
  tidy) check_touched ;;
  tidy-all) run_tidy "" "$PWD/(src|capi|examples)/.*\.cc$" ;;
  *) echo "usage: $0 [format|tidy|tidy-all]" >&2; exit 2 ;;
esac
