# Debian chroots, made once and kept. Sourced by run.sh and by ../packaging/clean_root.sh, which define $platforms_dir and
# $source_dir.

# need_package <package>: installs it on this machine, unless it is there.
need_package() {
  dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed && return
  apt-get update --quiet --quiet
  apt-get install --yes --quiet --quiet --no-install-recommends "$1"
}

# debian_mirror: where this machine gets its packages from.
debian_mirror() {
  # shellcheck disable=SC2016  # apt-get expands it
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p
}

# chroot_make <name> <suite>: a bare system; nothing happens where it is complete.
chroot_make() {
  local root=$platforms_dir/$1 suite=$2
  [ ! -e "$root/etc/complete" ] || return 0
  need_package debootstrap
  echo "== $1: debootstrap $suite"
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$(debian_mirror)"
  # The way to the mirror is this machine's.
  apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries)' >"$root/etc/apt/apt.conf.d/90machine" || true
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  # A package that brings a daemon must not start it.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  touch "$root/etc/complete"
}

# chroot_run <name> <command ...>: with the source tree at /source, which cannot be written to, but for /source/build,
# which is $platforms_dir/builds/<name>. The mounts are of a namespace of their own, so that none outlives the command.
chroot_run() {
  local name=$1
  shift
  mkdir -p "$platforms_dir/$name/source" "$platforms_dir/builds/$name" "$source_dir/build"
  # shellcheck disable=SC2016  # the inner shell expands them
  unshare --mount --propagation private bash -c '
    set -euo pipefail
    root=$1 source=$2 build=$3
    shift 3
    mount --bind "$source" "$root/source"
    mount --bind "$build" "$root/source/build"
    mount -o remount,bind,ro "$root/source"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t devpts devpts "$root/dev/pts"
    exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive CCACHE_DIR=/source/build/ccache WARPPOOL_JOBS="${WARPPOOL_JOBS:-2}" "$@"' \
    chroot_run "$platforms_dir/$name" "$source_dir" "$platforms_dir/builds/$name" "$@"
}

# chroot_install <name> <package or apt option ...>: once for each list.
chroot_install() {
  local name=$1
  shift
  local stamp
  stamp=$platforms_dir/$name/etc/installed-$(md5sum <<<"$*" | cut -c1-8)
  [ ! -e "$stamp" ] || return 0
  echo "== $name: installing $*"
  chroot_run "$name" apt-get update --quiet --quiet
  chroot_run "$name" apt-get install --yes --quiet --quiet --no-install-recommends "$@"
  touch "$stamp"
}
