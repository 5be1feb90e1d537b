# What the ways share. Sourced by run.sh, which sets $here, $work and $build_dir.

source_dir=$(realpath "$here/../..")
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
export CMAKE_GENERATOR=Ninja
cc=${CC:-cc}
cxx=${CXX:-c++}
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Runs a command quietly; shows what it said if it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log" >&2; fail "$*"; }
}

# Expects TEXT in what the last quiet command said.
expect_said() {
  grep -qF -- "$1" "$work/log" || fail "\"$1\" was not said"
}

# The one build that is looked at from all sides, and what it installs.
prepare_build() (
  set -e
  if [ ! -e "$build_dir/CMakeCache.txt" ]; then
    build_dir=$work/build
    quietly cmake -S "$source_dir" -B "$build_dir" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
      -DWARPPOOL_BUILD_TESTS=OFF -DWARPPOOL_BUILD_EXAMPLES=OFF
  fi
  quietly cmake --build "$build_dir" --target warppool_c warppool_c_shared
  quietly cmake --install "$build_dir" --prefix "$work/static"
  ln -s "$build_dir" "$work/used-build"
)

# find_consumer PREFIX CONSUMER [CMAKE ARGUMENTS]: builds and runs consumer/ with what is installed in PREFIX.
find_consumer() {
  local build
  build=$(mktemp -d -p "$work")
  quietly cmake -S "$here/consumer" -B "$build" -DCMAKE_PREFIX_PATH="$1" -DCONSUMER="$2" -DCMAKE_BUILD_TYPE=Debug "${@:3}"
  quietly cmake --build "$build"
  "$build/consumer"
}

# pkg_config_flags PREFIX NAME [ARGUMENTS]: into the array `flags`.
pkg_config_flags() {
  local text
  pc_dir=$(dirname "$(find "$1" -name "$2.pc")")
  text=$(PKG_CONFIG_PATH=$pc_dir pkg-config --cflags --libs "${@:3}" "$2")
  read -ra flags <<<"$text"
}

# pkg_config_consumer PREFIX [ARGUMENTS]: the C consumer with a C compiler and pkg-config alone.
pkg_config_consumer() {
  local flags pc_dir
  pkg_config_flags "$1" warppool "${@:2}"
  quietly "$cc" -std=c99 -Wall -Wextra -Wpedantic -Werror -o "$work/consumer-pc" "$here/consumer/main.c" "${flags[@]}" \
    "-Wl,-rpath,$(dirname "$pc_dir")"
  "$work/consumer-pc"
}

# pkg_config_cpp_consumer PREFIX: the C++ consumer with a C++ compiler and pkg-config alone.
pkg_config_cpp_consumer() {
  local flags pc_dir
  pkg_config_flags "$1" warppool-cpp
  quietly "$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Werror -o "$work/consumer-pc-cpp" "$here/consumer/main.cc" \
    "${flags[@]}"
  "$work/consumer-pc-cpp"
}
