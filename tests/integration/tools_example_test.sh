#!/usr/bin/env bash
# examples/tools in C++, with the stand-in in its own process, and in C, with the loopback program: the agent calls what
# is there, and what is not, and both say the same.
#
#   tools_example_test.sh TOOLS TOOLS_C LOOPBACK
set -euo pipefail

tools=$(realpath "$1")
tools_c=$(realpath "$2")
loopback=$(realpath "$3")
work=$(mktemp -d)
trap 'kill "${service:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
for name in $(compgen -e | grep -iE '^(WARP_|(https?|no)_proxy$)' || true); do unset "$name"; done

fail() {
  echo "FAILED: $*" >&2
  cat out.txt err.txt >&2
  exit 1
}
# look: what is in the output, line by line. Of a time only its form is the same each time, and an object's members come
# in any order.
look() {
  sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z/TIME/' -e 's/\{"b":23,"a":19\}/{"a":19,"b":23}/' \
    -e 's/no function weather/no such function/' out.txt >seen.txt
  diff - seen.txt <<'EXPECTED' || fail "the output is not as expected:"
> What now?
I look at the clock, and count.
call   clock {}
result TIME
call   add {"a":19,"b":23}
result 42
call   add {"a":"much"}
error  "a" and "b" must be numbers
call   weather {"city":"Graz"}
error  there is no such function
Now I know the time, and that 19 and 23 make 42.
EXPECTED
}

"$tools" "What now?" >out.txt 2>err.txt || fail "tools ended with $?:"
look

mkfifo service
"$loopback" --tools --accept demo-token-1 >service &
service=$!
exec 3<service
read -r url <&3
printf 'WARP_SERVER_URL=%s\nWARP_REFRESH_TOKEN=demo-token-1\n' "$url" >one.env
chmod 600 one.env
"$tools_c" "What now?" one.env >out.txt 2>err.txt || fail "tools_c ended with $?:"
look
"$tools" "What now?" one.env >out.txt 2>err.txt || fail "tools ended with $?:"
look

"$tools" "What now?" missing.env >out.txt 2>err.txt && fail "a configuration from nowhere:"
grep -qF "missing.env: No such file or directory" err.txt || fail "the missing file is not named:"
"$tools_c" "What now?" missing.env >out.txt 2>err.txt && fail "a configuration from nowhere:"
grep -qF "missing.env: No such file or directory" err.txt || fail "the missing file is not named:"
echo "tools: ok"
