#!/usr/bin/env bash
# Installs what is missing and builds examples into build/release, for the scripts beside this one:
# examples/build.sh TARGET ...
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/release

# Shows how far the build is: on a terminal in one line that counts, else in a line for each eighth.
show_progress() {
  local line shown=0
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    local done=${BASH_REMATCH[1]} all=${BASH_REMATCH[2]}
    if [ -t 1 ]; then
      printf '\rBuilding: %d of %d steps ' "$done" "$all"
    elif [ $((done * 8 / all)) -gt "$shown" ]; then
      shown=$((done * 8 / all))
      echo "Building: $done of $all steps"
    fi
  done
  [ ! -t 1 ] || printf '\r\033[K'
}

"$source_dir/cmake/install-dependencies.sh" --examples
mkdir -p "$build_dir"
log=$build_dir/build.log
# What is there already keeps its settings: it may be that of somebody who works on the library, with its tests.
settings=()
[ -e "$build_dir/CMakeCache.txt" ] ||
  settings=(--preset release -DWARPPOOL_BUILD_TESTS=OFF -DWARPPOOL_WERROR="${WARPPOOL_WERROR:-OFF}")
if ! { cmake -S "$source_dir" -B "$build_dir" "${settings[@]}" >"$log" 2>&1 &&
       cmake --build "$build_dir" --target "$@" 2>&1 | tee -a "$log" | show_progress; }; then
  tail -n 40 "$log" >&2
  echo "The build failed; all of its output is in $log" >&2
  exit 1
fi
