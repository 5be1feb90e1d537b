#!/usr/bin/env bash
# Builds the library and shows a pool of tokens live: examples/monitor.sh [--demo | --env FILE] ...
#
# With --demo nothing leaves this machine; otherwise it reads the environment, and FILE or the current folder's .env.
# --help lists all flags. Exit code: 0 it was ended, 1 it could not go on, 2 the command line or the configuration cannot
# be used (or nothing could be built).
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/release

"$source_dir/examples/build.sh" warppool_monitor || exit 2
exec "$build_dir/examples/monitor" "$@"
