#!/usr/bin/env bash
# The whole test suite, on a fresh machine too: installs what is missing, builds, and runs everything.
#
#   tests/run.sh                       what finds faults before a merge (about 25 minutes on two cores)
#   tests/run.sh PART...               some parts of it: format tidy quickstart tests packaging
#   tests/run.sh tests:PRESET          the tests of one preset: release, asan or tsan
#   tests/run.sh --deep [PART...]      what takes hours; a maintainer runs it before a release, part by part:
#                                      tidy files docs fuzz bench soak kill process valgrind packaging poll
#                                      platforms
#
# The time of each part is told at the end.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
deep=
[ "${1-}" != --deep ] || { deep=deep-; shift; }
known=(format tidy quickstart tests tests:release tests:asan tests:tsan packaging)
usual=(format tidy quickstart tests packaging)
if [ -n "$deep" ]; then
  known=(tidy files docs fuzz bench soak kill process valgrind packaging poll platforms)
  usual=("${known[@]}")
fi
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=("${usual[@]}")
for part in "${parts[@]}"; do
  if [[ " ${known[*]} " != *" $part "* ]]; then
    echo "there is no part called $part: ${known[*]}" >&2
    exit 2
  fi
done

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
  echo "FAILED: the build of $1"
  return 1
}

# test_build <name> [ctest argument ...]: runs the tests of build/<name>, into a log. More at once than there are cores,
# since many wait more than they compute.
test_build() {
  rm -f "build/$1-tests.xml"
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j "$((2 * $(nproc)))" \
    --output-junit "$PWD/build/$1-tests.xml" --test-output-size-passed 100000 --test-output-size-failed 10000000 \
    "${@:2}" >"build/$1-tests.log" 2>&1
}

# count_tests <name>: shows what went wrong in the log (the rest stays there), and counts the test cases. A test of ctest's
# may be a whole file of them.
count_tests() {
  local counts
  echo "== $1: tests"
  grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test +#[0-9]+:.* Passed)' "build/$1-tests.log" || true
  if ! counts=$(python3 tests/count.py "build/$1-tests.xml"); then
    failed=$((failed + 1))
    echo "FAILED: $1 ran no test"
    return
  fi
  echo "$1: ${counts/ / passed, } failed"
  passed=$((passed + ${counts% *}))
  failed=$((failed + ${counts#* }))
}

# run_presets <preset ...>: one after the other. All at once took as long, and the storm of the soak test is one in which
# what is under way for a second is late.
run_presets() {
  local preset
  for preset in "$@"; do
    if timed "build of $preset" build_preset "$preset"; then
      timed "tests of $preset" test_build "$preset"
      count_tests "$preset"
    else
      failed=$((failed + 1))
    fi
  done
}

# run_long_tests <label> <variable=amount ...>: these tests in each preset, with more to do than CI gives them.
run_long_tests() {
  local preset amounts=("${@:2}")
  export "${amounts[@]}"
  for preset in release asan tsan; do
    if timed "build of $preset" build_preset "$preset"; then
      timed "$1 of $preset" test_build "$preset" -L "^$1\$"
      count_tests "$preset"
    else
      failed=$((failed + 1))
    fi
  done
  unset "${amounts[@]%%=*}"
}

# With the settings of the preset, so that the tests take the library over that it builds.
run_quickstart() {
  WARPPOOL_WERROR=ON tests/packaging/quickstart.sh
}

run_fuzzers() {
  mkdir -p build
  { cmake --preset fuzz && cmake --build --preset fuzz; } >build/fuzz.log 2>&1 || { tail -n 60 build/fuzz.log; return 1; }
  tests/fuzz/run.sh 600
}

run_benchmarks() {
  mkdir -p build
  { cmake --preset release && cmake --build build/release --target benchmarks warppool_c_shared; } >build/bench.log 2>&1 ||
    { tail -n 60 build/bench.log; return 1; }
  tests/bench/run.py build/release
}

# Everything with poll(2), and what it costs with a thousand streams, beside epoll.
run_poll() {
  run_presets poll
  run_part "streams with epoll" stream_benchmark release
  run_part "streams with poll" stream_benchmark poll
}

stream_benchmark() {
  build_preset "$1" && tests/bench/streams.py "build/$1"
}

# File by file: what a file forgets to include is seen.
build_files() {
  build_preset dev -DWARPPOOL_UNITY_BUILD=OFF
}

run_valgrind() {
  build_preset release && tests/valgrind.sh build/release
}

# HTML of the public headers. Nothing is compiled for it.
build_docs() {
  mkdir -p build
  { cmake -S . -B build/docs -G Ninja -DWARPPOOL_BUILD_TESTS=OFF -DWARPPOOL_BUILD_EXAMPLES=OFF &&
      cmake --build build/docs --target docs; } >build/docs.log 2>&1 && return 0
  tail -n 60 build/docs.log
  return 1
}

timed "installing what is missing" cmake/install-dependencies.sh --dev || exit 1
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp ${TSAN_OPTIONS-}"

for part in "${parts[@]}"; do
  case "$deep$part" in
    format | tidy) run_part "$part" tests/lint.sh "$part" ;;
    quickstart) run_part quickstart run_quickstart ;;
    tests) run_presets release asan tsan ;;
    tests:release | tests:asan | tests:tsan) run_presets "${part#tests:}" ;;
    packaging) run_part packaging tests/packaging/run.sh build/release ;;
    deep-tidy) run_part tidy tests/lint.sh tidy-all ;;
    deep-fuzz) run_part fuzz run_fuzzers ;;
    deep-bench) run_part bench run_benchmarks ;;
    deep-files) run_part files build_files ;;
    deep-docs) run_part docs build_docs ;;
    deep-soak) run_long_tests soak WARPPOOL_SOAK_REQUESTS=400000 WARPPOOL_SHARED_TROUBLES=300 ;;
    deep-kill) run_long_tests kill WARPPOOL_STATE_KILLS=2000 WARPPOOL_SHARED_REQUESTS=40000 WARPPOOL_STATE_STOPS=1000 ;;
    deep-process) run_long_tests process WARPPOOL_ENDINGS=3000 WARPPOOL_MEMORY_STEP=1 ;;
    deep-valgrind) run_part valgrind run_valgrind ;;
    deep-packaging) run_part packaging tests/packaging/run.sh build/release --all ;;
    deep-poll) run_poll ;;
    deep-platforms) run_part platforms tests/platforms/run.sh ;;
  esac
done

echo
echo "== time"
printf '%s\n' "${times[@]}" "$(printf '%6d s  in all' "$SECONDS")"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
