#!/usr/bin/env bash
# Builds what is tested on a platform, runs it, and says in a line that begins with "result:" what passed. It runs on the
# machine, or inside a chroot:
#
#   tests/platforms/inside.sh BUILD_FOLDER PART... [-- CMAKE_OPTION...]
#
# Parts: all (everything that there is to build), unit (the unit tests), quickstart (against the stand-in of the service),
# packaging (installed, it is found by CMake and by pkg-config, in C and in C++, with the protobuf that is there).
# The library and its C API are always built. CXX and CC choose the compiler, and WARPPOOL_RUN_WITH is a command that
# runs programs of another machine.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$1
shift
parts=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  parts+=("$1")
  shift
done
[ $# -eq 0 ] || shift
read -ra run_with <<<"${WARPPOOL_RUN_WITH-}"

# Unoptimised and in few, large units: it costs a fourth, and what differs between systems shows all the same.
options=(-G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_C_FLAGS_DEBUG=-O0 -DCMAKE_UNITY_BUILD=ON
         -DCMAKE_UNITY_BUILD_BATCH_SIZE=12)
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
targets=(warppool_c)
for part in "${parts[@]}"; do
  case "$part" in
    all) targets+=(all) ;;
    unit) targets+=(unit_tests) ;;
    quickstart) targets+=(warppool_quickstart warppool_loopback_server) ;;
    packaging) targets+=(warppool_c_shared) ;;
    *) echo "no such part: $part" >&2; exit 2 ;;
  esac
done
cmake -S "$source_dir" -B "$build" "${options[@]}" "$@"
# All that does not compile there is worth knowing, not only the first of it.
cmake --build "$build" --parallel "${WARPPOOL_JOBS:-2}" --target "${targets[@]}" -- -k 0

# Prints how many passed. The log has each test's duration as soon as it ends: under an emulator all of them take long, and
# one that hangs is the one after the last line.
run_unit_tests() {
  local log=$build/unit_tests.log
  "${run_with[@]}" "$build/tests/unit_tests" --durations yes >"$log" 2>&1 || {
    grep -vE '^[0-9]+\.[0-9]+ s: ' "$log" | tail -n 40 >&2
    return 1
  }
  # "All tests passed (928997 assertions in 911 test cases)"
  sed -nE 's/^All tests passed \(.* in ([0-9]+) test cases?\).*/\1 passed/p' "$log" | grep .
}

run_quickstart() {
  local scratch service url
  scratch=$(mktemp -d)
  mkfifo "$scratch/service"
  "${run_with[@]}" "$build/examples/loopback/loopback" --demo >"$scratch/service" &
  service=$!
  read -r url <"$scratch/service"
  (umask 077 && printf 'WARP_SERVER_URL=%s\nWARP_REFRESH_TOKEN=demo-token-dead\nWARP_SHARED_TOKENS=demo-token-1\n' "$url" \
    >"$scratch/env")
  "${run_with[@]}" "$build/examples/quickstart" "What is new?" "$scratch/env" >"$scratch/answer" 2>&1 || true
  kill "$service"
  wait "$service" || true
  cat "$scratch/answer"
  grep -qF "Echo: What is new?" "$scratch/answer" && grep -qF "Token deactivated: PERSONAL_" "$scratch/answer"
}

results=()
for part in "${parts[@]}"; do
  case "$part" in
    all) results+=("everything built") ;;
    unit)
      passed=$(run_unit_tests)
      results+=("unit tests $passed")
      ;;
    quickstart)
      run_quickstart || { echo "the quick start gave no answer" >&2; exit 1; }
      results+=("quick start ok")
      ;;
    packaging)
      "$source_dir/tests/packaging/run.sh" "$build" cmake-c cmake-cpp pkg-config pkg-config-cpp
      results+=("found by CMake and pkg-config")
      ;;
  esac
done
compiler_facts() { sed -nE "s/^set\($1 \"(.*)\"\)/\1/p" "$build"/CMakeFiles/*/CMakeCXXCompiler.cmake; }
printf -v text '%s, ' "${results[@]}"
echo "result: $(compiler_facts CMAKE_CXX_COMPILER_ID) $(compiler_facts CMAKE_CXX_COMPILER_VERSION): ${text%, }"
