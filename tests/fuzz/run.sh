#!/usr/bin/env bash
# Runs the fuzz targets, as many at a time as there are cores, and says in a line each what came of it. Fails if one of
# them finds something.
#
#   cmake --preset fuzz && cmake --build --preset fuzz
#   tests/fuzz/run.sh                    all, a minute each
#   tests/fuzz/run.sh 600 sse dotenv     these two, ten minutes each
#
# Each begins with corpus/<target>/ and works on a copy of it. What it finds, and its log, stay in
# build/fuzz/found/<target>/.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd tests/fuzz/corpus && ls)
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "usage: $0 [seconds [target ...]]" >&2; exit 2; }

copies=$(mktemp -d)
trap 'rm -rf "$copies"' EXIT

# run_target <seconds> <copies> <target>
run_target() {
  local seconds=$1 copy=$2/$3 target=$3
  local program=build/fuzz/tests/fuzz/${target}_fuzzer found=build/fuzz/found/$target
  if [ ! -x "$program" ]; then
    echo "$target: FAILED: there is no $program"
    return 1
  fi
  rm -rf "$found"
  mkdir -p "$found"
  cp -r "tests/fuzz/corpus/$target" "$copy"
  local options=(-max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
                 -artifact_prefix="$found/")
  [ ! -f "tests/fuzz/$target.dict" ] || options+=(-dict="tests/fuzz/$target.dict")
  "$program" "${options[@]}" "$copy" >"$found/log" 2>&1
  local status=$?
  local runs coverage
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log")
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$found/log" | tail -n 1)
  local line="$target: ${runs:-no} runs, ${coverage:-no} edges:"
  if [ "$status" -eq 0 ] && [ "${runs:-0}" -gt 0 ]; then
    echo "$line nothing found"
    return 0
  fi
  local input what
  input=$(find "$found" -type f ! -name log | head -n 1)
  what=$(grep -m 1 -E '^broken promise|ERROR: |runtime error' "$found/log" | sed 's/^==[0-9]*== *//')
  echo "$line FAILED: ${what:-exit status $status}"
  if [ -n "$input" ]; then
    echo "  to reproduce: $program $input"
  else
    echo "  see $found/log"
  fi
  return 1
}
export -f run_target

printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I '{}' bash -c 'run_target "$@"' run_target "$seconds" "$copies" '{}'
