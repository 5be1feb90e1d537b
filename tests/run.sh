#!/usr/bin/env bash
# The whole test suite, on a fresh machine too: installs what is missing, builds, and runs everything in release and
# under AddressSanitizer with UndefinedBehaviorSanitizer and under ThreadSanitizer, then the fuzz targets for a minute
# each, the benchmarks (whose numbers are shown, and fail nothing), the quick start and packaging.
#
#   tests/run.sh                  all of it
#   tests/run.sh release          one part: release, asan, tsan, fuzz, bench, quickstart or packaging
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(release asan tsan fuzz bench quickstart packaging)

passed=0
failed=0

# run_part <name> <command ...>: a part that is one test.
run_part() {
  local name=$1
  shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
}

# run_preset <preset>: configures, builds, and counts the preset's tests.
run_preset() {
  local preset=$1
  echo "== $preset: build"
  local log=build/$preset.log
  mkdir -p build
  if ! { cmake --preset "$preset" && cmake --build "build/$preset"; } >"$log" 2>&1; then
    tail -n 60 "$log"
    failed=$((failed + 1))
    echo "FAILED: the build of $preset"
    return
  fi
  echo "== $preset: test"
  local result=build/$preset-tests.log
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" >"$result" 2>&1
  # Only what went wrong is worth reading; the whole log stays where it is.
  grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test +#[0-9]+:.* Passed)' "$result" || true
  local summary
  summary=$(grep -E 'tests passed, [0-9]+ tests failed out of [0-9]+' "$result" || true)
  if [ -z "$summary" ]; then
    failed=$((failed + 1))
    echo "FAILED: $preset ran no test"
    return
  fi
  local bad all
  bad=$(sed -E 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\1/' <<<"$summary")
  all=$(sed -E 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\2/' <<<"$summary")
  failed=$((failed + bad))
  passed=$((passed + all - bad))
}

# Seven targets for a minute each, two at a time on two cores, are four minutes, and the build.
run_fuzzers() {
  mkdir -p build
  { cmake --preset fuzz && cmake --build --preset fuzz; } >build/fuzz.log 2>&1 || { tail -n 60 build/fuzz.log; return 1; }
  tests/fuzz/run.sh 60
}

run_benchmarks() {
  mkdir -p build
  { cmake --preset release && cmake --build build/release --target benchmarks; } >build/bench.log 2>&1 ||
    { tail -n 60 build/bench.log; return 1; }
  tests/bench/run.py build/release
}

cmake/install-dependencies.sh --dev || exit 1
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp ${TSAN_OPTIONS-}"

for part in "${parts[@]}"; do
  case "$part" in
    release) run_preset release ;;
    asan) run_preset asan ;;
    tsan) run_preset tsan ;;
    fuzz) run_part fuzz run_fuzzers ;;
    bench) run_part bench run_benchmarks ;;
    quickstart) run_part quickstart tests/packaging/quickstart.sh ;;
    packaging) run_part packaging tests/packaging/run.sh ;;
    *)
      echo "unknown part: $part (release, asan, tsan, fuzz, bench, quickstart, packaging)" >&2
      exit 2
      ;;
  esac
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
