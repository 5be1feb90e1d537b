#!/usr/bin/env bash
# examples/check against the loopback program, over TCP: its exit codes, its lines, and no secret in them.
#
#   check_example_test.sh CHECK LOOPBACK QUICKSTART
set -euo pipefail

check=$(realpath "$1")
loopback=$(realpath "$2")
quickstart=$(realpath "$3")
work=$(mktemp -d)
trap 'kill "${service:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
umask 077
for name in $(compgen -e | grep -iE '^(WARP_|(https?|no)_proxy$)' || true); do unset "$name"; done

mkfifo service
"$loopback" --demo >service &
service=$!
exec 3<service
read -r url <&3

fail() {
  echo "FAILED: $*" >&2
  cat out.txt >&2
  exit 1
}
expect() { grep -qF -- "$1" out.txt || fail "\"$1\" is not in the output:"; }
refuse() { ! grep -qF -- "$1" out.txt || fail "\"$1\" is in the output:"; }

# run CODE ARGUMENT...: runs the program, and wants this exit code. Whatever it says holds no credential and no JWT.
run() {
  local code=0
  "$check" "${@:2}" >out.txt 2>&1 || code=$?
  [ "$code" -eq "$1" ] || fail "exit code $code instead of $1:"
  refuse demo-token
  refuse stand-in-credential
  refuse "wk-7."
  refuse eyJ
}

# configure LINE...: writes .env.
configure() { printf '%s\n' "WARP_SERVER_URL=$url" "$@" >.env; }

# The end of a token's name.
name_of() { printf %s "$1" | sha256sum | cut -c 1-6; }
one=$(name_of demo-token-1)
two=$(name_of demo-token-2)
dead=$(name_of demo-token-dead)
quota=$(name_of demo-token-quota)

configure WARP_REFRESH_TOKEN=demo-token-1 WARP_PERSONAL_TOKENS=demo-token-2 WARP_ANONYMOUS_TOKEN=demo-token-quota
run 0
expect "ok   initialisation: 3/3 active (PERSONAL: 2, ANONYMOUS: 1)"
expect "ok   priority: PERSONAL, then ANONYMOUS"
expect "1. PERSONAL_$one: ready; its turn is next"
expect "3. ANONYMOUS_$quota: ready; 2 others would be tried before it"
expect "ok   rotation: round_robin in PERSONAL: PERSONAL_$one, PERSONAL_$two"
expect "ok   refresh of each token: 3 of 3 tokens refreshed"
expect "ANONYMOUS_$quota: refreshed, the JWT is valid for 60 min"
expect "ok   health: 3 of 3 tokens healthy"
expect "Healthy tokens: 3/3"
expect "quota=3 of 3 left, reset=20"
expect "ok   failure and recovery: rehearsed on this machine with 3 stand-ins"
expect "STAND-IN-1 was refused, but the request did not fail: STAND-IN-2 served it"
expect "That is a failure of STAND-IN-1; 3 failures in a row would disable it, here the first one does"
expect "by itself it would be tried again after 60 s"
expect "Recover(): it is ready again, and served request 1 after that"
refuse FAIL

# The strategy and the order of the tiers are the user's, in the rehearsal, too.
WARP_STRATEGY=fill_first WARP_TIER_ORDER=ANONYMOUS,PERSONAL run 0
expect "ok   priority: ANONYMOUS, then PERSONAL"
expect "ok   rotation: fill_first in ANONYMOUS: ANONYMOUS_$quota"
expect "STAND-IN-3 was refused, but the request did not fail: STAND-IN-1 served it"
WARP_STRATEGY=fill_first WARP_TIER_ORDER=PERSONAL run 0
expect "1 token not used: WARP_TIER_ORDER leaves out their tier"
expect "ok   rotation: fill_first in PERSONAL: PERSONAL_$one, PERSONAL_$one"

# One token that is dead, and another file than the default.
mv .env other.env
sed -i 's/TOKENS=demo-token-2/TOKENS=demo-token-dead,demo-token-2/' other.env
run 1 --env other.env
expect "ok   initialisation: 4/4 active (PERSONAL: 3, ANONYMOUS: 1)"
expect "ok   rotation: round_robin in PERSONAL: PERSONAL_$one, PERSONAL_$two, PERSONAL_$one"
expect "PERSONAL_$dead failed: the refresh token has expired; log in again for a new one (TOKEN_EXPIRED)"
expect "FAIL refresh of each token: 3 of 4 tokens refreshed"
expect "FAIL PERSONAL_$dead: the refresh token has expired; log in again for a new one (TOKEN_EXPIRED)"
expect "FAIL health: 3 of 4 tokens healthy"
expect "FAIL PERSONAL_$dead (PERSONAL): failures=0, active=false, state=disabled: the refresh token has expired"
expect "ok   failure and recovery"

# Nothing in the first tier works, but the next one does.
configure WARP_REFRESH_TOKEN=demo-token-dead WARP_SHARED_TOKENS=demo-token-1
run 1
expect "FAIL rotation: no token of the first tier, PERSONAL, works; SHARED_$one serves instead"

# An API key that the service does not know, and one token alone.
configure WARP_API_KEY=wk-7.abcdef
run 1
expect "ok   refresh of each token: 0 of 0 tokens refreshed, 1 API key"
expect "FAIL health: 0 of 1 token healthy"
expect "the quota query does not accept the token (401)"
expect "STAND-IN-1 was refused, and rests; there is no other token to go on with, or to show whose fault it is"
expect "for 5 s it is not tried again"
expect "Recover(): it is ready again, and served request 1 after that"

# The service cannot be reached.
configure WARP_REFRESH_TOKEN=demo-token-1
WARP_SERVER_URL=http://127.0.0.1:9 run 1
expect "FAIL rotation: no bearer to be had"
expect "FAIL PERSONAL_$one: no connection to the token exchange"
expect "ok   failure and recovery"

# A quota that is used up.
configure WARP_REFRESH_TOKEN=demo-token-quota WARP_SHARED_TOKENS=demo-token-1
for i in 1 2 3; do "$quickstart" "Question $i" .env >quickstart.txt; done
run 0
expect "quota=0 of 3 left, reset=20"
expect "note: nothing is left of the quota of PERSONAL_$quota"
WARP_TIER_ORDER=PERSONAL run 1
expect "FAIL health: 1 of 1 token healthy, but none has anything left of its quota"

# What cannot be loaded.
configure WARP_REFRESH_TOKEN=demo-token-1 "demo-token-2 on a line of its own"
run 2
expect "invalid_config: .env:3: there is no \"=\" after the key"
run 2 --env missing.env
expect "missing.env: No such file or directory"
configure WARP_REFRESH_TOKEN=your_token_here
run 2
expect "no_tokens"
run 2 --nonsense
expect "usage: check"
run 0 --help
expect "usage: check"
echo "check: ok"
