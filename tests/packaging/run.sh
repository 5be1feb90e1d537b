#!/usr/bin/env bash
# Installs the library and uses it in every way that the README promises. Writes to a temporary folder and to BUILD only.
#
#   run.sh [BUILD [WAY...]]
#
# BUILD is a build of this source tree with a static C library, and is brought up to date; by default build/release if it
# is there, else a new one. Ways: cmake-c cmake-cpp pkg-config vendored shared; all of them by default. "vendored" and
# "shared" compile the library once more. CC and CXX count.
set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
source_dir=$(realpath "$here/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build_dir=${1:-$source_dir/build/release}
[ $# -gt 0 ] || [ -d "$build_dir" ] || build_dir=$work/build
ways=("${@:2}")
[ ${#ways[@]} -gt 0 ] || ways=(cmake-c cmake-cpp pkg-config vendored shared)
CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
export CMAKE_BUILD_PARALLEL_LEVEL
export CMAKE_GENERATOR=Ninja

prefix="$work/static"
vendored="$work/vendored"
cc=${CC:-cc}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Runs a command quietly; shows what it said if it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$*"; }
}

# find_consumer PREFIX CONSUMER: builds and runs consumer/ with what is installed in PREFIX.
find_consumer() {
  local build="$work/consumer-$2"
  quietly cmake -S "$here/consumer" -B "$build" -DCMAKE_PREFIX_PATH="$1" -DCONSUMER="$2" -DCMAKE_BUILD_TYPE=Debug
  quietly cmake --build "$build"
  "$build/consumer"
}

# pkg_config_consumer PREFIX FLAGS: the same with a C compiler and pkg-config alone.
pkg_config_consumer() {
  local dir text flags
  dir=$(dirname "$(find "$1" -name warppool.pc)")
  text=$(PKG_CONFIG_PATH=$dir pkg-config --cflags --libs "${@:2}" warppool)
  read -ra flags <<<"$text"
  quietly "$cc" -std=c99 -Wall -Wextra -Wpedantic -Werror -o "$work/consumer-pc" "$here/consumer/main.c" "${flags[@]}" \
    "-Wl,-rpath,$(dirname "$dir")"
  "$work/consumer-pc"
}

build_vendored() {
  [ ! -d "$vendored" ] || return 0
  quietly cmake -S "$here/vendored" -B "$vendored" -DWARPPOOL_SOURCE_DIR="$source_dir" -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_INSTALL_PREFIX="$work/shared"
  quietly cmake --build "$vendored"
}

check_exports() {
  local library=$1 exported alien
  exported=$(nm -D --defined-only "$library" | awk '{print $NF}' | sort)
  alien=$(grep -v '^warppool_' <<<"$exported" || true)
  [ -z "$alien" ] || fail "$library exports: $(head -n 5 <<<"$alien" | tr '\n' ' ')"
  # And all that the header declares.
  local declared
  declared=$(grep -ohE '^WARPPOOL_API .*' "$source_dir/capi/include/warppool.h" | grep -oE 'warppool_[a-z_]+\(' |
    tr -d '(' | sort)
  [ "$exported" = "$declared" ] || fail "exported and declared differ: $(diff <(echo "$exported") <(echo "$declared"))"
  echo "exports $(wc -l <<<"$exported") functions"
}

if [ ! -d "$build_dir" ]; then
  quietly cmake -S "$source_dir" -B "$build_dir" -DCMAKE_BUILD_TYPE=Debug -DWARPPOOL_BUILD_TESTS=OFF \
    -DWARPPOOL_BUILD_EXAMPLES=OFF
fi
quietly cmake --build "$build_dir" --target warppool_c
quietly cmake --install "$build_dir" --prefix "$prefix"
for way in "${ways[@]}"; do
  echo "== $way"
  case $way in
    cmake-c) find_consumer "$prefix" c ;;
    cmake-cpp) find_consumer "$prefix" cpp ;;
    pkg-config) pkg_config_consumer "$prefix" --static ;;
    vendored)
      build_vendored
      "$vendored/vendored_c"
      "$vendored/vendored_cpp"
      ;;
    shared)
      build_vendored
      quietly cmake --install "$vendored"
      library=$(find "$work/shared" -name libwarppool_c.so)
      check_exports "$library"
      find_consumer "$work/shared" c-alone
      pkg_config_consumer "$work/shared"
      ;;
    *) fail "unknown way: $way" ;;
  esac
done
