#!/usr/bin/env bash
# Installs what is missing and builds examples into build/quickstart, for the scripts beside this one:
# examples/build.sh TARGET ...
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/quickstart

"$source_dir/cmake/install-dependencies.sh" --examples
echo "Building (some minutes the first time) ..."
mkdir -p "$build_dir"
if ! { cmake -S "$source_dir" -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWARPPOOL_BUILD_TESTS=OFF &&
       cmake --build "$build_dir" --target "$@"; } >"$build_dir/build.log" 2>&1; then
  tail -n 40 "$build_dir/build.log" >&2
  echo "The build failed; all of its output is in $build_dir/build.log" >&2
  exit 1
fi
