#!/usr/bin/env bash
# Builds the library and shows a pool of tokens live: examples/monitor.sh [--demo | --env FILE] ...
#
# With --demo nothing leaves this machine; otherwise it reads the environment, and FILE or the current folder's .env.
# --help lists all flags. Exit code: 0 it was ended, 1 it could not go on, 2 the command line or the configuration cannot
# be used (or nothing could be built).
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/quickstart

"$source_dir/cmake/install-dependencies.sh" --examples || exit 2
echo "Building (a minute or two the first time) ..."
mkdir -p "$build_dir"
if ! { cmake -S "$source_dir" -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWARPPOOL_BUILD_TESTS=OFF &&
       cmake --build "$build_dir" --target warppool_monitor; } >"$build_dir/build.log" 2>&1; then
  tail -n 40 "$build_dir/build.log" >&2
  echo "The build failed; all of its output is in $build_dir/build.log" >&2
  exit 2
fi
exec "$build_dir/examples/monitor" "$@"
