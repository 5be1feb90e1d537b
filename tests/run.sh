#!/usr/bin/env bash
# The whole test suite, on a fresh machine too: installs what is missing, builds, and runs everything.
#
#   tests/run.sh                       what finds faults before a merge (about 25 minutes on two cores)
#   tests/run.sh PART...               some parts of it: format tidy quickstart tests packaging
#   tests/run.sh tests:PRESET          the tests of one preset: release, asan or tsan
#   tests/run.sh --deep [PART...]      what takes hours; a maintainer runs it before a release, a part at a sitting:
#                                      tidy fuzz bench soak kill packaging poll platforms
#
# The time of each part is told at the end.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
deep=
[ "${1-}" != --deep ] || { deep=deep-; shift; }
parts=("$@")
if [ ${#parts[@]} -eq 0 ]; then
  if [ -n "$deep" ]; then
    parts=(tidy fuzz bench soak kill packaging poll platforms)
  else
    parts=(format tidy quickstart tests packaging)
  fi
fi

passed=0
failed=0
times=()

# timed <name> <command ...>
timed() {
  local begin=$SECONDS
  "${@:2}"
  local status=$?
  times+=("$(printf '%6d s  %s' $((SECONDS - begin)) "$1")")
  return $status
}

# run_part <name> <command ...>: a part that is one test.
run_part() {
  echo "== $1"
  if timed "$1" "${@:2}"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $1"
  fi
}

# build_preset <preset> [cmake argument ...]
build_preset() {
  mkdir -p build
  echo "== $1: build"
  { cmake --preset "$1" "${@:2}" && cmake --build "build/$1"; } >"build/$1.log" 2>&1 && return 0
  tail -n 60 "build/$1.log"
  failed=$((failed + 1))
  echo "FAILED: the build of $1"
  return 1
}

# test_build <name> [ctest argument ...]: runs the tests of build/<name>, into a log.
test_build() {
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j "$(nproc)" "${@:2}" >"build/$1-tests.log" 2>&1
}

# count_tests <name>: shows what went wrong in the log (the rest stays there), and counts.
count_tests() {
  local log=build/$1-tests.log summary bad all
  echo "== $1: tests"
  grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test +#[0-9]+:.* Passed)' "$log" || true
  summary=$(grep -E 'tests passed, [0-9]+ tests failed out of [0-9]+' "$log" || true)
  if [ -z "$summary" ]; then
    failed=$((failed + 1))
    echo "FAILED: $1 ran no test"
    return
  fi
  bad=$(sed -E 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\1/' <<<"$summary")
  all=$(sed -E 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\2/' <<<"$summary")
  failed=$((failed + bad))
  passed=$((passed + all - bad))
}

# run_presets <preset ...>: builds one after the other, and runs the tests of all at once, since they wait more than they
# compute.
run_presets() {
  local preset built=()
  for preset in "$@"; do
    timed "build of $preset" build_preset "$preset" && built+=("$preset")
  done
  test_all() {
    for preset in "${built[@]}"; do test_build "$preset" & done
    wait
  }
  timed "tests of ${built[*]}" test_all
  for preset in "${built[@]}"; do count_tests "$preset"; done
}

# run_long_test <label or name> <variable=amount>: one long test of each preset, with more than CI asks of it.
run_long_test() {
  local preset
  for preset in release asan tsan; do
    timed "build of $preset" build_preset "$preset" || continue
    export "${@:2}"
    timed "$1 of $preset" test_build "$preset" -R "$1"
    count_tests "$preset"
  done
}

run_fuzzers() {
  mkdir -p build
  { cmake --preset fuzz && cmake --build --preset fuzz; } >build/fuzz.log 2>&1 || { tail -n 60 build/fuzz.log; return 1; }
  tests/fuzz/run.sh 600
}

run_benchmarks() {
  build_preset release && cmake --build build/release --target benchmarks >build/bench.log 2>&1 ||
    { tail -n 60 build/bench.log; return 1; }
  tests/bench/run.py build/release
}

timed "installing what is missing" cmake/install-dependencies.sh --dev || exit 1
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp ${TSAN_OPTIONS-}"

for part in "${parts[@]}"; do
  case "$deep$part" in
    format | tidy) run_part "$part" tests/lint.sh "$part" ;;
    quickstart) run_part quickstart tests/packaging/quickstart.sh ;;
    tests) run_presets release asan tsan ;;
    tests:release | tests:asan | tests:tsan) run_presets "${part#tests:}" ;;
    packaging) run_part packaging tests/packaging/run.sh build/quickstart ;;
    deep-tidy) run_part tidy tests/lint.sh tidy-all ;;
    deep-fuzz) run_part fuzz run_fuzzers ;;
    deep-bench) run_part bench run_benchmarks ;;
    deep-soak) run_long_test soak WARPPOOL_SOAK_REQUESTS=400000 ;;
    deep-kill) run_long_test kill WARPPOOL_STATE_KILLS=2000 WARPPOOL_SHARED_REQUESTS=40000 ;;
    deep-packaging) run_part packaging tests/packaging/run.sh build/quickstart --all ;;
    deep-poll)
      run_presets poll
      run_part "1,000 streams with poll" tests/bench/streams.py build/poll
      ;;
    deep-platforms) run_part platforms tests/platforms/run.sh ;;
    *)
      sed -n '/^#  /s/^# *//p' "$0" >&2
      exit 2
      ;;
  esac
done

echo
echo "== time"
printf '%s\n' "${times[@]}" "$(printf '%6d s  in all' "$SECONDS")"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
