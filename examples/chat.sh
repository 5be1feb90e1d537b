#!/usr/bin/env bash
# Builds the library and begins or continues a chat with the agent: examples/chat.sh [--env FILE] [CONVERSATION]
#
# It reads the environment, and FILE or the current folder's .env; without any configuration a stand-in of the service
# answers, and nothing leaves this machine. --help lists the commands. Exit code: 0 it was ended, 1 the last answer
# failed or could not be saved, 2 it cannot begin (or nothing could be built).
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/release

"$source_dir/examples/build.sh" warppool_chat </dev/null || exit 2
exec "$build_dir/examples/chat" "$@"
