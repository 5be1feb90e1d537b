#!/usr/bin/env bash
# Builds the library and checks your configuration with it: examples/check.sh [--env FILE]
#
# It reads the environment, and FILE or the current folder's .env. Exit code: 0 all is well, 1 a check failed, 2 the
# configuration cannot be loaded (or nothing could be built).
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/release

"$source_dir/examples/build.sh" warppool_check || exit 2
exec "$build_dir/examples/check" "$@"
