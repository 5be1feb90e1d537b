#!/usr/bin/env bash
# Installs the library and uses it in every way that the README promises. Nothing outside a temporary folder is touched.
#
#   run.sh SOURCE BUILD [WAY...]
#
# BUILD is a finished build of SOURCE with a static C library. Ways: cmake-c cmake-cpp pkg-config vendored shared; all of
# them by default. "vendored" and "shared" compile the library once more. CC, CXX and CMAKE_BUILD_PARALLEL_LEVEL count.
set -euo pipefail

if [ $# -lt 2 ]; then
  sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
  exit 2
fi
source_dir=$(realpath "$1")
build_dir=$(realpath "$2")
shift 2
ways=("$@")
[ ${#ways[@]} -gt 0 ] || ways=(cmake-c cmake-cpp pkg-config vendored shared)

here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
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
  local dir
  dir=$(dirname "$(find "$1" -name warppool.pc)")
  read -ra flags < <(PKG_CONFIG_PATH=$dir pkg-config --cflags --libs "${@:2}" warppool)
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
