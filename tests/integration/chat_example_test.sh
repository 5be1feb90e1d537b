#!/usr/bin/env bash
# examples/chat with piped input: it goes on after a restart, and a file that is damaged stays as it is.
#
#   chat_example_test.sh CHAT LOOPBACK
set -euo pipefail

chat=$(realpath "$1")
loopback=$(realpath "$2")
work=$(mktemp -d)
trap 'kill "${service:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
umask 022
for name in $(compgen -e | grep -iE '^(WARP_|(https?|no)_proxy$)' || true); do unset "$name"; done

fail() {
  echo "FAILED: $*" >&2
  cat out.txt err.txt >&2
  exit 1
}
expect() { grep -qF -- "$2" "$1" || fail "\"$2\" is not in $1:"; }
refuse() { ! grep -qF -- "$2" "$1" || fail "\"$2\" is in $1:"; }

# run CODE INPUT ARGUMENT...: runs the program, and wants this exit code. No credential and no JWT is anywhere.
run() {
  local code=0
  printf "$2" | "$chat" "${@:3}" >out.txt 2>err.txt || code=$?
  [ "$code" -eq "$1" ] || fail "exit code $code instead of $1:"
  ! grep -qE 'demo-token|eyJ' out.txt err.txt ./*.warppool* || fail "there is a credential:"
}

# Without a configuration, in two runs. The second one's stand-in knows nothing of the first one's: the conversation
# moves there with what was said.
run 0 'First question\n'
expect err.txt "a stand-in of the service answers"
expect out.txt "Echo: First question"
[ "$(stat -c %a chat.warppool)" = 600 ] || fail "others may read what was said:"
[ "$(ls)" = "chat.warppool
err.txt
out.txt" ] || fail "there are other files: $(ls)"
run 0 'Second question\n/history\n/usage\n/quit\nNot asked\n'
expect err.txt "chat.warppool goes on: 2 messages so far."
expect err.txt "[the conversation moves from PERSONAL_"
diff <(head -n 5 out.txt) - <<'EXPECTED' || fail "the history is not as expected:"
Echo: Second question
> First question
Echo: First question
> Second question
Echo: Second question
EXPECTED
expect out.txt "29 tokens in, 41 out; 2 credits;"
refuse out.txt "Not asked"

# At one service, in three runs: it stays where it is, and /new puts the old one aside.
mkfifo service
"$loopback" --accept demo-token-1 >service &
service=$!
exec 3<service
read -r url <&3
printf 'WARP_SERVER_URL=%s\nWARP_REFRESH_TOKEN=demo-token-1\n' "$url" >one.env
chmod 600 one.env
run 0 'Third question\n' --env one.env one.warppool
run 0 'Fourth question' --env one.env one.warppool
expect err.txt "one.env and the environment, with $url"
refuse err.txt "moves"
expect out.txt "Echo: Fourth question"
run 0 '/history\n/new\n/history\nFifth question\n/history\n/nonsense\n' --env one.env one.warppool
[ "$(grep -c 'Third question' out.txt)" -eq 2 ] || fail "the history is not shown once:"
expect err.txt "[a new conversation; the old one is in one.warppool.1]"
expect err.txt "There is no /nonsense"
run 0 '/history\n' --env one.env one.warppool.1
expect out.txt "Echo: Fourth question"
refuse out.txt "Fifth question"

# What cannot be read is named, and stays as it is.
cp one.warppool damaged.warppool
printf x | dd of=damaged.warppool bs=1 seek=100 conv=notrunc status=none
cp damaged.warppool before
run 2 'Sixth question\n' --env one.env damaged.warppool
expect err.txt "damaged.warppool: "
cmp damaged.warppool before || fail "it was overwritten:"
: >empty.warppool
run 2 'Sixth question\n' --env one.env empty.warppool
expect err.txt "empty.warppool: "
run 2 '' --env one.env .
expect err.txt ".: Is a directory"

# Where the file cannot be written, that is said after the answer.
run 1 'Seventh question\n' --env one.env missing/one.warppool
expect out.txt "Echo: Seventh question"
expect err.txt "Not saved: missing/one.warppool: No such file or directory"

# An answer that fails, and a configuration that cannot be used.
printf 'WARP_SERVER_URL=%s\nWARP_REFRESH_TOKEN=demo-token-dead\n' "$url" >dead.env
chmod 600 dead.env
run 1 'Eighth question\n' --env dead.env one.warppool
expect err.txt "INVALID_REFRESH_TOKEN"
kill "$service"
run 2 '' --env missing.env
expect err.txt "missing.env: No such file or directory"
run 2 '' --nonsense
expect err.txt "usage: chat"
run 0 '' --help
expect out.txt "usage: chat"

# Ctrl-C cancels the answer, and the conversation goes on; at the prompt it ends the chat. "--gap" makes it slow.
"$loopback" --accept demo-token-1 --gap 300 >service &
service=$!
exec 3<service
read -r url <&3
printf 'WARP_SERVER_URL=%s\nWARP_REFRESH_TOKEN=demo-token-1\n' "$url" >one.env
mkfifo questions
"$chat" --env one.env slow.warppool <questions >out.txt 2>err.txt &
chat_id=$!
exec 4>questions
# until_there TEXT FILE: waits until it is there; the test's time-out is the limit.
until_there() {
  while ! grep -qF -- "$1" "$2"; do
    kill -0 "$chat_id" 2>/dev/null || fail "it ended:"
    sleep 0.05
  done
}
echo "A question that takes its time" >&4
until_there "Echo" out.txt
kill -INT "$chat_id"
until_there "[cancelled; what came so far is part of the conversation]" err.txt
echo "And one more" >&4
until_there "Echo: And one more" out.txt

# SIGTERM ends the chat in the middle of an answer, and what came is saved.
echo "The last one" >&4
until_there "Echo: T" out.txt
echo "Not asked any more" >&4
kill -TERM "$chat_id"
wait "$chat_id" || fail "exit code $? instead of 0:"
refuse out.txt "Not asked"
run 0 '/history\n' --env one.env slow.warppool
expect out.txt "> The last one"
echo "chat: ok"
