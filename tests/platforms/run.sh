#!/usr/bin/env bash
# Builds the library on other systems than this one, and tests it there; README.md tells what each of them is.
#
#   tests/platforms/run.sh [NAME...]     all of them without a name
#
# It prints one line for each and ends with 1 if one failed. It needs root and Debian 12, and installs what it lacks.
# Chroots, builds and logs are kept in $WARPPOOL_PLATFORMS_DIR (build/platforms), so that later runs are shorter.
# $WARPPOOL_JOBS (2) is how many compilers run at once.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
platforms_dir=${WARPPOOL_PLATFORMS_DIR:-$source_dir/build/platforms}
all=(debian13 sid newest libcxx arm64 i386 bigendian macos freebsd windows)
names=("$@")
[ ${#names[@]} -gt 0 ] || names=("${all[@]}")

# shellcheck source=/dev/null
. "$here/chroot.sh" && . "$here/debian.sh" && . "$here/libcxx.sh" && . "$here/cross.sh" || exit 2

# Only compiled: nothing here could run a program of theirs.
compile_only() { "$here/compile_only.sh" "$1" | sed "s/^$1: ok (\(.*\))\$/result: \1/"; }
platform_macos() { compile_only macos; }
platform_freebsd() { compile_only freebsd; }
platform_windows() { compile_only windows; }

for name in "${names[@]}"; do
  declare -F "platform_$name" >/dev/null || { echo "$0: no platform is called $name: ${all[*]}" >&2; exit 2; }
done
if [ "$(id -u)" -ne 0 ]; then
  echo "$0: needs root, for chroots and mounts" >&2
  exit 2
fi
mkdir -p "$platforms_dir/builds" "$platforms_dir/logs"
platforms_dir=$(cd "$platforms_dir" && pwd)
export DEBIAN_FRONTEND=noninteractive

failed=0
for name in "${names[@]}"; do
  log=$platforms_dir/logs/$name.log
  # In a shell of its own, where the first command that fails ends it: a function in a condition would go on.
  (
    set -e
    # Two at once would build in the same folder, or install in the same chroot.
    case $name in
      arm64 | i386 | bigendian) lock=cross ;;
      macos | freebsd | windows) lock=compile-only ;;
      *) lock=$name ;;
    esac
    exec 9>"$platforms_dir/logs/$lock.lock"
    flock 9
    "platform_$name"
  ) >"$log" 2>&1
  if [ $? -eq 0 ]; then
    results=$(sed -n 's/^result: //p' "$log" | paste -sd ';' | sed 's/;/; /g')
    echo "$name: ok ($results)"
  else
    failed=1
    echo "$name: FAILED: $(grep -E -m 1 '(error|Error|FAILED|E):' "$log" || tail -n 1 "$log") (all of it: $log)"
  fi
done
exit $failed
