#!/usr/bin/env bash
# Runs the endings of process_end_test, and some tests, under valgrind's memcheck: no error is let pass, but for what
# tests/valgrind.supp explains.
#
#   tests/valgrind.sh <build folder>
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$1
memcheck=(valgrind --quiet --error-exitcode=99 --suppressions="$here/valgrind.supp" --num-callers=30)

failed=0
check() {
  echo "valgrind: $*"
  "$@" || { failed=$((failed + 1)); echo "FAILED: $*"; }
}

# One after the other, since memcheck is slow and the library does not wait for long.
check env WARPPOOL_CHILD_SECONDS=300 WARPPOOL_ENDINGS_AT_ONCE=1 WARPPOOL_ENDING_UNDER="$(printf '%s\n' "${memcheck[@]}")" WARPPOOL_ENDINGS="${WARPPOOL_ENDINGS-200}" \
  "$build/tests/process/process_end_test"
# What begins and ends clients and streams in many ways; not what counts the time, or starts a thousand of them.
check "${memcheck[@]}" "$build/tests/process/process_life_test" \
  "an I/O thread that is ended inside a callback*,a thread of the program's can be cancelled*"
check "${memcheck[@]}" "$build/tests/integration_tests" --filenames-as-tags \
  "[#lifetime_test]~a client that is destroyed with streams running*,[#reload_test],[#stream_fault_test]"
check "${memcheck[@]}" "$build/tests/unit_tests" --filenames-as-tags "[#worker_test],[#json_test],[#exchange_test]"
[ "$failed" -eq 0 ]
