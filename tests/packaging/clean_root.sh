#!/usr/bin/env bash
# clean_root.sh FOLDER: a Debian 12 with nothing installed, in a new folder. A copy of one that is made with debootstrap the
# first time, and kept in WARPPOOL_PLATFORMS_DIR (by default build/platforms). Needs root.
set -euo pipefail

root=${1:?"usage: $0 FOLDER"}
source_dir=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
kept=${WARPPOOL_PLATFORMS_DIR:-$source_dir/build/platforms}/deb12-clean
command -v debootstrap >/dev/null || { echo "debootstrap is missing" >&2; exit 1; }

if [ ! -e "$kept/complete" ]; then
  rm -rf "$kept"
  mkdir -p "$kept"
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v '^#' |
    grep -oE 'https?://[^ ]*/debian/?( |$)' | head -n 1 || true)
  debootstrap --variant=minbase bookworm "$kept/root" "${mirror:-http://deb.debian.org/debian}" >"$kept/log" 2>&1 ||
    { tail -n 20 "$kept/log" >&2; exit 1; }
  # This machine may reach the mirror by a proxy.
  cp /etc/apt/apt.conf.d/*proxy* "$kept/root/etc/apt/apt.conf.d/" 2>/dev/null || true
  chroot "$kept/root" apt-get update >>"$kept/log" 2>&1
  touch "$kept/complete"
fi
cp -a --reflink=auto "$kept/root" "$root"
