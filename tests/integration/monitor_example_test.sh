#!/usr/bin/env bash
# examples/monitor: a round of its demo, a configuration of one's own, a terminal, and no secret in any of it.
#
#   monitor_example_test.sh MONITOR LOOPBACK
set -euo pipefail

monitor=$(realpath "$1")
loopback=$(realpath "$2")
terminal=$(realpath "$(dirname "$0")/monitor_terminal_test.py")
work=$(mktemp -d)
trap 'kill "${service:-}" "${watched:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
umask 077
for name in $(compgen -e | grep -iE '^(WARP_|(https?|no)_proxy$|NO_COLOR$)' || true); do unset "$name"; done

# cpp-httplib's end of a stream is a static string. That one thread makes it before the others read it is not seen by
# ThreadSanitizer, which does not know that library's code.
echo 'race:httplib::detail::write_data' >tsan.txt
export TSAN_OPTIONS="suppressions=$work/tsan.txt ${TSAN_OPTIONS-}"

fail() {
  echo "FAILED: $*" >&2
  cat out.txt >&2
  exit 1
}
expect() { grep -qE -- "$1" out.txt || fail "\"$1\" is not in the output:"; }
refuse() { ! grep -qE -- "$1" out.txt || fail "\"$1\" is in the output:"; }

# No escape code, no credential and no JWT.
check_output() {
  refuse $'\e'
  refuse demo-token
  refuse eyJ
}

# run CODE ARGUMENT...: runs the program, and wants this exit code.
run() {
  local code=0
  "$monitor" "${@:2}" >out.txt 2>&1 || code=$?
  [ "$code" -eq "$1" ] || fail "exit code $code instead of $1:"
  check_output
}

# until_seen PATTERN ARGUMENT...: runs the program until the pattern is in its output, and interrupts it then.
until_seen() {
  local code=0
  : >out.txt  # at once: what the run before wrote must not be found
  "$monitor" "${@:2}" --for 240 >out.txt 2>&1 &
  watched=$!
  until grep -qE -- "$1" out.txt; do
    kill -0 "$watched" 2>/dev/null || fail "\"$1\" never came:"
    sleep 0.1
  done
  kill -INT "$watched"
  wait "$watched" || code=$?
  watched=
  [ "$code" -eq 0 ] || fail "exit code $code after SIGINT:"
  check_output
}

# A round of the demo, to the moment when the token with too many failures is back.
until_seen 'event=recovered token=refused .*it was tried, and accepted' --demo --speed 6 --interval 50 --metrics pool.prom
expect '^warppool monitor, demo'
expect 'event=disabled token=expires tier=PERSONAL reason=".*\(TOKEN_EXPIRED\)"'
expect 'token=expires tier=PERSONAL state=disabled running='  # no countdown: it stays so
expect 'event=cooling token=small-quota tier=PERSONAL until='
expect 'token=small-quota tier=PERSONAL state=cooling back_in=[0-9]+s .*quota=0/10 reason='
expect 'event=failure token=refused tier=PERSONAL failures=2 reason=".*\(403\)"'
expect 'event=disabled token=refused tier=PERSONAL until='
expect 'token=refused tier=PERSONAL state=disabled back_in=[0-9]+s '
expect 'event="tier exhausted" token=[a-z-]+ tier=PERSONAL'
expect 'event=rotated token=rotates tier=SHARED'
expect 'event="attempt failed" token=[a-z-]+ tier=[A-Z]+ reason="the service is overloaded \(429\)"'
expect 'token=refused tier=PERSONAL state="half open"'
expect ' pool ready=[0-9] of=7 answered=[0-9]+ failed=0 '
expect '^summary: [0-9]/7 ready'
expect '^  requests: [0-9]+ answered, 0 failed'
refuse '^note:'
grep -qE '^warppool_token_attempts_total\{.*token="steady".*\} [0-9]+$' pool.prom || fail "no metrics"
[ ! -e pool.prom.tmp ] || fail "the metrics' temporary file is still there"
! grep -qE 'demo-token|eyJ' pool.prom || fail "a secret is in the metrics"

# The quota is back by itself.
until_seen 'event=recovered token=small-quota .*its cooling is over' --demo --speed 6 --interval 50 --plain
expect 'token=small-quota tier=PERSONAL state=cooling'

"$terminal" "$monitor" >out.txt 2>&1 || fail "on a terminal:"

# A configuration of one's own: only exchanges and quota queries are sent.
mkfifo service
"$loopback" --demo >service &
service=$!
exec 3<service
read -r url <&3
printf '%s\n' "WARP_SERVER_URL=$url" WARP_REFRESH_TOKEN=demo-token-1 WARP_PERSONAL_TOKENS=demo-token-dead >.env
name_of() { printf %s "$1" | sha256sum | cut -c 1-6; }
one=PERSONAL_$(name_of demo-token-1)
dead=PERSONAL_$(name_of demo-token-dead)
until_seen "token=$dead tier=PERSONAL state=disabled" --interval 50
expect "^warppool monitor: .env and the environment, with $url"
expect '^Every 60 s the tokens are checked: .*no credits; the agent is asked nothing'
expect "event=disabled token=$dead"
expect ' answered=0 failed=0 '
expect "^  token=$one tier=PERSONAL state=ready running=0 ok=- quota=150/150"
expect '^  attempts: 0, - ok; JWTs: 1;'

# The time is over; nothing was sent.
mv .env other.env
run 0 --env other.env --check 0 --for 1
expect '^Nothing is sent'
expect "^  token=$one tier=PERSONAL state=ready running=0 ok=- quota=-"
expect '^  attempts: 0, - ok; JWTs: 0;'

# Whoever reads the output has enough.
code=0
"$monitor" --env other.env --check 0 --interval 50 --for 60 2>err.txt | head -n 1 >out.txt || code=${PIPESTATUS[0]}
expect '^warppool monitor'
[ "$code" -eq 1 ] || fail "exit code $code when nobody reads:"

run 1 --env other.env --check 0 --for 5 --metrics /nowhere/pool.prom
expect '/nowhere/pool.prom cannot be written'

# What cannot be used.
run 2 --env missing.env
expect 'missing.env: No such file or directory'
echo WARP_REFRESH_TOKEN=your_token_here >.env
run 2
expect no_tokens
run 2 --nonsense
expect 'usage: monitor'
run 2 --demo --env other.env
expect 'usage: monitor'
run 0 --help
expect 'usage: monitor'
echo "monitor: ok"
