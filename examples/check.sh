#!/usr/bin/env bash
# Builds the library and checks your configuration with it: examples/check.sh [--env FILE]
#
# It reads the environment, and FILE or the current folder's .env. Exit code: 0 all is well, 1 a check failed, 2 the
# configuration cannot be loaded (or nothing could be built).
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/quickstart

"$source_dir/cmake/install-dependencies.sh" --examples || exit 2
echo "Building (a minute or two the first time) ..."
mkdir -p "$build_dir"
if ! { cmake -S "$source_dir" -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWARPPOOL_BUILD_TESTS=OFF &&
       cmake --build "$build_dir" --target warppool_check; } >"$build_dir/build.log" 2>&1; then
  tail -n 40 "$build_dir/build.log" >&2
  echo "The build failed; all of its output is in $build_dir/build.log" >&2
  exit 2
fi
exec "$build_dir/examples/check" "$@"
