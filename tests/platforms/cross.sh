# arm64, i386 and s390x (big-endian): cross compilers and the libraries of each in one Debian 12 chroot. Programs of i386
# run on the processor, those of the others under qemu-user. Sourced by run.sh.

# cross_platform <Debian's architecture> <GNU triplet> <qemu program, may be empty> <part ...>
cross_platform() {
  local architecture=$1 triplet=$2 qemu=$3
  local libraries=${triplet/i686/i386}  # what Debian calls the folder of i386's libraries
  shift 3
  chroot_make cross bookworm
  # Programs of this machine (a test of the metrics asks Prometheus), and libraries without code.
  chroot_install cross ccache cmake ninja-build pkg-config protobuf-compiler rapidjson-dev catch2 python3-minimal \
    qemu-user-static prometheus
  chroot_run cross dpkg --add-architecture "$architecture"
  local packages=("g++-$triplet") library
  for library in libcurl4-openssl-dev libprotobuf-dev libfmt-dev libssl-dev libcpp-httplib-dev libbenchmark-dev; do
    packages+=("$library:$architecture")
  done
  chroot_install cross "${packages[@]}"
  cat >"$platforms_dir/builds/cross/$architecture.cmake" <<CMAKE
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${triplet%%-*})
set(CMAKE_C_COMPILER $triplet-gcc)
set(CMAKE_CXX_COMPILER $triplet-g++)
set(CMAKE_LIBRARY_ARCHITECTURE $libraries)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_CROSSCOMPILING_EMULATOR $qemu)
CMAKE
  chroot_run cross env WARPPOOL_RUN_WITH="$qemu" PKG_CONFIG_LIBDIR="/usr/lib/$libraries/pkgconfig:/usr/share/pkgconfig" \
    /source/tests/platforms/inside.sh "/source/build/$architecture" "$@" -- \
    -DCMAKE_TOOLCHAIN_FILE="/source/build/$architecture.cmake"
}

platform_arm64() { cross_platform arm64 aarch64-linux-gnu qemu-aarch64-static unit quickstart; }
platform_i386() { cross_platform i386 i686-linux-gnu "" unit; }
platform_bigendian() { cross_platform s390x s390x-linux-gnu qemu-s390x-static unit; }
