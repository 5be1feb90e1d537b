#!/usr/bin/env bash
# Compiles every C++ source of src/, capi/src/ and (but for Windows) examples/ for another system, without linking: ends with
# one line that says how it went. Nothing is run, so it shows only that the sources use nothing that the system lacks.
#
#   tests/platforms/compile_only.sh macos|freebsd|windows
#
# The compiler and the systems' headers come with the Python package "ziglang" (into build/compile-only/), those of the
# third-party libraries from Debian: they are the same everywhere. For Windows that is less than all: the poller, the
# wake-up, and the files and locks of the file store do not exist there yet (cmake/Platform.cmake).
#
# BATCH: how many sources share a unit (default 12); 1 shows also what a source forgets to include.
set -euo pipefail

system=${1-}
case "$system" in
  macos) target=aarch64-macos ;;
  freebsd) target=x86_64-freebsd ;;
  windows) target=x86_64-windows-gnu ;;
  *) echo "usage: $0 macos|freebsd|windows" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/cmake/install-dependencies.sh" --compile-only
work="$root/build/compile-only"
mkdir -p "$work"
export ZIG_GLOBAL_CACHE_DIR="$work/cache" ZIG_LOCAL_CACHE_DIR="$work/cache"

zig_version=0.17.1
if [ ! -x "$work/venv/bin/python" ]; then python3 -m venv "$work/venv"; fi
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "ziglang==$zig_version"

# Of the libraries only, so that none of this system's own headers is in reach. curl and a part of OpenSSL are in a folder
# of the architecture.
headers="$work/headers"
rm -rf "$headers"
mkdir -p "$headers"
for library in fmt google openssl rapidjson curl; do
  found=0
  for folder in /usr/include "/usr/include/$(gcc -print-multiarch)"; do
    [ -d "$folder/$library" ] || continue
    cp -R "$folder/$library" "$headers/"
    found=1
  done
  [ "$found" = 1 ] || { echo "$system: failed (no headers of $library)"; exit 1; }
done
cp /usr/include/httplib.h "$headers/"

# RapidJSON 1.1.0 assigns to a constant, in a function that nobody calls and that newer compilers refuse.
sed -i '/GenericStringRef& operator=(const GenericStringRef& rhs) { s = rhs.s; length = rhs.length; }/d' \
  "$headers/rapidjson/document.h"

wire="$work/wire"
mkdir -p "$wire"
protoc --cpp_out="$wire" -I "$root/proto" "$root"/proto/warppool/wire/*.proto

# As cmake/Platform.cmake chooses them.
case "$system" in
  windows) without='_(posix|linux)\.cc$' ;;
  *) without='_(windows|linux)\.cc$' ;;
esac
cd "$root"
log="$work/log-$system"
rm -rf "$log"
mkdir -p "$log"
parts=(src capi/src)
[ "$system" = windows ] || parts+=(examples)
for part in "${parts[@]}"; do
  find "$part" -name '*.cc' | sort | grep -Ev "$without" >"$log/sources"
  cat "$log/sources" >>"$log/all"
  # Several to a unit, since the headers take the time; programs of their own in one each.
  case $part in examples) batch=1 ;; *) batch=${BATCH:-12} ;; esac
  split --lines="$batch" --additional-suffix=.cc --filter='sed "s|.*|#include \"&\"|" >"$FILE"' \
    "$log/sources" "$log/unit-${part//\//-}-"
done

compile() {
  # Without the undefined-behaviour sanitizer, which zig adds to each build that is not optimised.
  "$work/venv/bin/python" -m ziglang c++ -target "$target" -std=c++20 -O0 -g0 -fno-sanitize=undefined \
    -Wall -Wextra -Werror -DWARPPOOL_BUILTIN_ANONYMOUS_TOKEN='""' -I . -I include -I src -I capi/include -I capi/src \
    -DCPPHTTPLIB_OPENSSL_SUPPORT -I examples -I examples/loopback -I examples/loopback/include \
    -isystem "$headers" -isystem "$wire" -c -o "$1.o" "$1" >"$1.log" 2>&1 || echo "$1" >>"$log/failed"
}
export -f compile
export work target headers wire log
printf '%s\0' "$log"/unit-*.cc | xargs -0 -P "${WARPPOOL_JOBS:-2}" -I {} bash -c 'compile "$1"' compile {}

if [ -e "$log/failed" ]; then
  while read -r unit; do cat "$unit.log"; done < <(sort "$log/failed") | sed -n 1,200p
  echo "$system: failed ($(wc -l <"$log/failed") of $(find "$log" -name 'unit-*.cc' | wc -l) units; the messages are in $log)"
  exit 1
fi
echo "$system: ok (compiled $(wc -l <"$log/all") files)"
