# Newer Debian systems, each in a chroot of its own. Sourced by run.sh.

# debian_platform <name> <suite>
debian_platform() {
  chroot_make "$1" "$2"
  chroot_install "$1" ccache
  # The library's own script, as a newcomer would.
  chroot_run "$1" /source/cmake/install-dependencies.sh --dev
  chroot_run "$1" /source/tests/platforms/inside.sh /source/build/warppool all unit quickstart packaging
}

platform_debian13() { debian_platform debian13 trixie; }
platform_sid() { debian_platform sid sid; }

# The newest that Debian has, experimental included: protobuf, fmt, g++ and clang.
platform_newest() {
  chroot_make newest sid
  echo "deb $(debian_mirror) experimental main" >"$platforms_dir/newest/etc/apt/sources.list.d/experimental.list"
  chroot_install newest ccache g++ cmake ninja-build pkg-config ca-certificates libcurl4-openssl-dev rapidjson-dev \
    libssl-dev libcpp-httplib-dev catch2 libbenchmark-dev python3 openssl prometheus
  chroot_install newest --target-release experimental libprotobuf-dev protobuf-compiler libfmt-dev
  local gxx clang
  gxx=$(newest_package 'g[+][+]')
  clang=$(newest_package clang)
  chroot_install newest "$gxx" "$clang"
  echo "== newest: $gxx"
  chroot_run newest env CC="${gxx/g++/gcc}" CXX="$gxx" \
    /source/tests/platforms/inside.sh /source/build/gcc all unit quickstart packaging
  echo "== newest: $clang"
  chroot_run newest env CC="$clang" CXX="${clang/clang/clang++}" \
    /source/tests/platforms/inside.sh /source/build/clang unit packaging
}

# newest_package <name>: of the packages with a version in their name, the one with the highest.
newest_package() {
  chroot_run newest apt-cache search --names-only "^$1-[0-9]+\$" | cut -d' ' -f1 | sort --version-sort | tail -n 1
}
