#!/usr/bin/env bash
# clean_root.sh FOLDER: a Debian 12 with nothing installed, in a new folder. A copy of one that is made the first time, and
# kept in WARPPOOL_PLATFORMS_DIR (by default build/platforms). Needs root.
set -euo pipefail

root=${1:?"usage: $0 FOLDER"}
source_dir=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
platforms_dir=${WARPPOOL_PLATFORMS_DIR:-$source_dir/build/platforms}
mkdir -p "$platforms_dir"
# shellcheck source=/dev/null
. "$source_dir/tests/platforms/chroot.sh"

chroot_make clean bookworm >"$platforms_dir/clean.log" 2>&1 || { tail -n 20 "$platforms_dir/clean.log" >&2; exit 1; }
cp -a --reflink=auto "$platforms_dir/clean" "$root"
chroot "$root" apt-get update --quiet --quiet
