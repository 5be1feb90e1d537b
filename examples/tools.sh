#!/usr/bin/env bash
# Builds the library and lets the agent call functions of a program: examples/tools.sh [--c] [QUESTION]
#
# --c runs the program in C, tools.c, instead of tools.cc. It reads the environment and the current folder's .env;
# without any configuration a stand-in of the service answers, and nothing leaves this machine.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/release

if [ "${1-}" != --c ]; then
  "$source_dir/examples/build.sh" warppool_tools
  exec "$build_dir/examples/tools" "$@"
fi
shift
"$source_dir/examples/build.sh" warppool_tools_c warppool_loopback_server
tools=$build_dir/examples/tools_c
question=${1:-What time is it, and what are 19 and 23 together?}

if [ -e .env ]; then
  exec "$tools" "$question" .env
fi
for name in WARP_{REFRESH_TOKEN,PERSONAL_TOKENS,SHARED_TOKENS,ANONYMOUS_TOKEN,API_KEY}; do
  [ -z "${!name-}" ] || exec "$tools" "$question"
done

scratch=$(mktemp -d)
trap 'kill "${service:-}" 2>/dev/null; wait 2>/dev/null; rm -rf "$scratch"' EXIT
mkfifo "$scratch/service"
"$build_dir/examples/loopback/loopback" --tools --accept demo-token-1 >"$scratch/service" &
service=$!
read -r url <"$scratch/service"
echo "No token is configured, and there is no .env here: a stand-in of the service answers at $url." >&2
WARP_SERVER_URL=$url WARP_REFRESH_TOKEN=demo-token-1 "$tools" "$question"
