#!/usr/bin/env bash
# Builds the library and asks the agent one question: examples/quickstart.sh [question]
#
# Where one of the library's WARP_ variables is set, or the current folder has a .env, that configuration is used.
# Otherwise nothing leaves this machine: a stand-in of the service answers, and knows a few demo tokens, some of which
# are in trouble.
set -euo pipefail

question=${1:-Why is the sky blue?}
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=$source_dir/build/release

"$source_dir/examples/build.sh" warppool_quickstart warppool_loopback_server
quickstart=$build_dir/examples/quickstart

if [ -e .env ]; then
  exec "$quickstart" "$question" .env
fi
# Warp's own terminal sets other WARP_ variables, which are none of the library's.
for name in WARP_{REFRESH_TOKEN,PERSONAL_TOKENS,SHARED_TOKENS,ANONYMOUS_TOKEN,API_KEY,FIREBASE_API_KEY,SERVER_URL,REFRESH_URL} \
            WARP_{TIER_ORDER,STRATEGY,CLIENT_VERSION,CA_BUNDLE,PROXY,STATE_FILE}; do
  [ -z "${!name-}" ] || exec "$quickstart" "$question"
done

scratch=$(mktemp -d)
trap 'kill "${service:-}" 2>/dev/null; wait 2>/dev/null; rm -rf "$scratch"' EXIT
mkfifo "$scratch/service"
"$build_dir/examples/loopback/loopback" --demo >"$scratch/service" &
service=$!
read -r url <"$scratch/service"
echo "None of the library's variables is set and there is no .env here: a stand-in of the service answers at $url."
echo "Of its demo tokens, one is dead and one always fails."
echo

umask 077
cat >"$scratch/.env" <<ENV
WARP_SERVER_URL=$url
WARP_REFRESH_TOKEN=demo-token-dead
WARP_PERSONAL_TOKENS=demo-token-failing
WARP_SHARED_TOKENS=demo-token-1,demo-token-2
WARP_ANONYMOUS_TOKEN=demo-token-quota
ENV
"$quickstart" "$question" "$scratch/.env"
