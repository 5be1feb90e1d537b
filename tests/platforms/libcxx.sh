# clang with libc++, on Debian 12. Libraries with a C++ interface are compiled against libstdc++ there, so that protobuf is
# built once more from Debian's sources, and of fmt only the headers are used. What needs cpp-httplib, which is a compiled
# library, too, is not built: the loopback service and so the quick start. Sourced by run.sh.

libcxx_version=16

# Protobuf for libc++, in $platforms_dir/builds/libcxx/protobuf; built once.
libcxx_protobuf() {
  [ ! -e "$platforms_dir/builds/libcxx/protobuf/complete" ] || return 0
  # shellcheck disable=SC2016  # the shell in the chroot expands them
  chroot_run libcxx bash -c '
    set -euo pipefail
    mkdir -p /source/build/protobuf-source
    cd /source/build/protobuf-source
    sed "s/^deb /deb-src /" /etc/apt/sources.list >/etc/apt/sources.list.d/sources.list
    apt-get update --quiet --quiet
    apt-get source --quiet --quiet protobuf
    cmake -S protobuf-3* -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_CXX_STANDARD=17 \
      -DCMAKE_CXX_COMPILER="clang++-$1" -DCMAKE_C_COMPILER="clang-$1" -DCMAKE_CXX_FLAGS=-stdlib=libc++ \
      -DCMAKE_POSITION_INDEPENDENT_CODE=ON -Dprotobuf_BUILD_TESTS=OFF -Dprotobuf_BUILD_LIBPROTOC=ON \
      -DCMAKE_INSTALL_PREFIX=/source/build/protobuf -DCMAKE_INSTALL_LIBDIR=lib
    cmake --build build --parallel "$2"
    cmake --install build
    cd /source/build
    rm -rf protobuf-source
    touch protobuf/complete' libcxx_protobuf "$libcxx_version" "${WARPPOOL_JOBS:-2}"
}

platform_libcxx() {
  chroot_make libcxx bookworm
  chroot_install libcxx ccache cmake ninja-build pkg-config python3-minimal dpkg-dev zlib1g-dev \
    "clang-$libcxx_version" "libc++-$libcxx_version-dev" "libc++abi-$libcxx_version-dev" \
    libcurl4-openssl-dev rapidjson-dev libfmt-dev libssl-dev libcpp-httplib-dev catch2 libbenchmark-dev prometheus
  libcxx_protobuf
  # A target that is there already wins over a search of the system.
  cat >"$platforms_dir/builds/libcxx/fmt.cmake" <<'CMAKE'
add_library(fmt::fmt INTERFACE IMPORTED)
set_target_properties(fmt::fmt PROPERTIES INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY)
CMAKE
  chroot_run libcxx env CC="clang-$libcxx_version" CXX="clang++-$libcxx_version" \
    /source/tests/platforms/inside.sh /source/build/warppool unit -- -DCMAKE_CXX_FLAGS=-stdlib=libc++ \
    -DCMAKE_PREFIX_PATH=/source/build/protobuf -DCMAKE_CXX_STANDARD_LIBRARIES=-lc++abi \
    -DCMAKE_PROJECT_warppool_INCLUDE=/source/build/fmt.cmake
}
