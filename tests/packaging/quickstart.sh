#!/usr/bin/env bash
# The quick start, as a newcomer runs it: what a user came for is in its output; and with a configuration of one's own it
# starts no service and adds no token.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for name in $(compgen -e WARP_ || true); do unset "$name"; done

expect() {
  grep -qF -- "$2" "$1" || { echo "FAILED: \"$2\" is not in the output:" >&2; cat "$1" >&2; exit 1; }
}
refuse() {
  ! grep -qF -- "$2" "$1" || { echo "FAILED: \"$2\" is in the output:" >&2; cat "$1" >&2; exit 1; }
}

"$source_dir/examples/quickstart.sh" "What is new?" >demo.txt 2>&1
expect demo.txt "Loaded 2 shared tokens from WARP_SHARED_TOKENS"
expect demo.txt "Token pool: 5/5 active (PERSONAL: 2, SHARED: 2, ANONYMOUS: 1)"
expect demo.txt "Selected token: PERSONAL_"
expect demo.txt "Token deactivated: PERSONAL_"
expect demo.txt "Token failure 1/3: PERSONAL_"
expect demo.txt "Selected token: SHARED_"
expect demo.txt "Echo: What is new?"
expect demo.txt "Token pool: 3/5 active (PERSONAL: 0/2, SHARED: 2, ANONYMOUS: 1)"
refuse demo.txt "demo-token"

# Port 9 of this machine refuses connections: all that is looked at is where it goes.
printf 'WARP_SERVER_URL=http://127.0.0.1:9\nWARP_REFRESH_TOKEN=fake-token-one\n' >.env
chmod 600 .env
"$source_dir/examples/quickstart.sh" >own.txt 2>&1 && { echo "FAILED: an answer from nowhere" >&2; exit 1; }
expect own.txt "Token pool: 1/1 active (PERSONAL: 1)"
refuse own.txt "stand-in"

# So do the chat and the tools, where there is no configuration: a stand-in answers.
mkdir empty
(cd empty && echo "What is new?" | "$source_dir/examples/chat.sh") >chat.txt 2>&1
expect chat.txt "stand-in"
expect chat.txt "Echo: What is new?"
for language in "" --c; do
  (cd empty && "$source_dir/examples/tools.sh" $language "What is new?") >tools.txt 2>&1
  expect tools.txt "stand-in"
  expect tools.txt "> What is new?"
  expect tools.txt "result 42"
done

# The check of the same configuration builds by itself, too.
code=0
"$source_dir/examples/check.sh" >check.txt 2>&1 || code=$?
[ "$code" -eq 1 ] || { echo "FAILED: check.sh ended with $code" >&2; cat check.txt >&2; exit 1; }
expect check.txt "ok   initialisation: 1/1 active (PERSONAL: 1)"
expect check.txt "FAIL rotation: no bearer to be had"
expect check.txt "ok   failure and recovery"
refuse check.txt "fake-token"

# Warp's terminal sets variables that are none of the library's: they change nothing.
rm .env
WARP_IS_LOCAL_SHELL_SESSION=1 "$source_dir/examples/quickstart.sh" >terminal.txt 2>&1
expect terminal.txt "stand-in"
expect terminal.txt "Echo: Why is the sky blue?"

WARP_SHARED_TOKENS=fake-token-two WARP_SERVER_URL=http://127.0.0.1:9 "$source_dir/examples/quickstart.sh" >set.txt 2>&1 &&
  { echo "FAILED: an answer from nowhere" >&2; exit 1; }
expect set.txt "Token pool: 1/1 active (SHARED: 1)"
refuse set.txt "stand-in"

# What a packager may set: a token of last resort, used where none is configured. The build is put back afterwards.
build_dir=$source_dir/build/release
with_builtin_token() {
  cmake -S "$source_dir" -B "$build_dir" -DWARPPOOL_BUILTIN_ANONYMOUS_TOKEN="$1" >builtin.log &&
    cmake --build "$build_dir" --target warppool_quickstart >>builtin.log || { cat builtin.log >&2; exit 1; }
}
trap 'with_builtin_token ""; rm -rf "$work"' EXIT  # the build is the user's, too
with_builtin_token fake-builtin-token
WARP_SERVER_URL=http://127.0.0.1:9 "$build_dir/examples/quickstart" >builtin.txt 2>&1 || true
with_builtin_token ""
trap 'rm -rf "$work"' EXIT
expect builtin.txt "Token pool: 1/1 active (ANONYMOUS: 1)"
refuse builtin.txt "fake-builtin-token"
WARP_SERVER_URL=http://127.0.0.1:9 "$build_dir/examples/quickstart" >none.txt 2>&1 || true
expect none.txt "WARP_REFRESH_TOKEN"
echo "quick start: ok"
