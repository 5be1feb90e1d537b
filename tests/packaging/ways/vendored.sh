# The library as a subproject. One build of parent/ serves all ways whose flags allow it.

# Flags that keep the build short, and equal between folders for a compiler cache.
parent_flags=(-DWARPPOOL_SOURCE_DIR="$source_dir" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0
              -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_UNITY_BUILD=ON)

# configure_parent NAME [CMAKE ARGUMENTS]: says where in $parent.
configure_parent() {
  parent=$work/parent-$1
  quietly cmake -S "$here/parent" -B "$parent" "${parent_flags[@]}" "${@:2}"
}

build_parent() {
  parent=$work/parent-shared-by-all
  [ ! -e "$parent/built" ] || return 0
  configure_parent shared-by-all
  CCACHE_BASEDIR=$work quietly cmake --build "$parent"
  touch "$parent/built"
}

# install_parents_warppool PREFIX: it is installed only if somebody asks.
install_parents_warppool() {
  quietly cmake --install "$parent" --component warppool_runtime --prefix "$1"
  quietly cmake --install "$parent" --component warppool_dev --prefix "$1"
}

way_vendored() {
  build_parent
  "$parent/parent_c"
  "$parent/parent_cpp"
}

way_shared() {
  build_parent
  install_parents_warppool "$work/shared"
  check_exports "$(find "$work/shared" -name libwarppool_c.so)"
  find_consumer "$work/shared" c-alone
  pkg_config_consumer "$work/shared"
}

check_exports() {
  local library=$1 exported declared
  exported=$(nm -D --defined-only "$library" | awk '{print $NF}' | sort)
  declared=$(grep -ohE '^WARPPOOL_API .*' "$source_dir/capi/include/warppool.h" | grep -oE 'warppool_[a-z_]+\(' |
    tr -d '(' | sort)
  [ "$exported" = "$declared" ] || fail "exported and declared differ: $(diff <(echo "$exported") <(echo "$declared"))"
  echo "exports $(wc -l <<<"$exported") functions"
}

# All of a target is one file, and warnings are errors: no two names of the library clash.
way_unity() {
  local target units
  build_parent
  for target in src/CMakeFiles/warppool.dir capi/CMakeFiles/warppool_c.dir; do
    units=$(find "$parent/warppool/$target/Unity" -name 'unity_*.cxx' | wc -l)
    [ "$units" -eq 1 ] || fail "$target has $units units"
  done
}

# The parent does without exceptions and RTTI; the library catches its own.
way_no-exceptions() {
  build_parent
  grep -qF -- "-fno-exceptions -fno-rtti" "$parent/build.ninja" || fail "the parent has exceptions"
  "$parent/parent_cpp"
}

# The parent installs and exports its own static library, and a program finds that.
way_exports() {
  local child=$work/child
  build_parent
  quietly cmake --install "$parent" --prefix "$work/exported"
  [ -z "$(find "$work/exported" -name '*warppool*')" ] || fail "the parent installs warppool, which nobody asked for"
  install_parents_warppool "$work/exported"
  quietly cmake -S "$here/child" -B "$child" -DCMAKE_PREFIX_PATH="$work/exported" -DCMAKE_BUILD_TYPE=Debug
  quietly cmake --build "$child"
  "$child/child"
}

way_twice() {
  configure_parent twice -DTAKE=twice
  expect_said "warppool: this project has it already"
}

way_installed-then-vendored() {
  configure_parent installed-first -DTAKE=installed-first -DCMAKE_PREFIX_PATH="$work/static"
  expect_said "warppool: this project has it already"
  quietly cmake --build "$parent"
  "$parent/parent_cpp"
  configure_parent installed-after -DTAKE=installed-after -DCMAKE_PREFIX_PATH="$work/static"
  CCACHE_BASEDIR=$work quietly cmake --build "$parent"
  "$parent/parent_cpp"
}

# From an archive of what a consumer needs, which is not all of the repository.
way_fetchcontent() {
  quietly tar -C "$source_dir" -cf "$work/warppool.tar" CMakeLists.txt LICENSE capi cmake include proto src
  configure_parent fetched -DTAKE=fetch -DWARPPOOL_ARCHIVE="$work/warppool.tar"
  CCACHE_BASEDIR=$work quietly cmake --build "$parent"
  "$parent/parent_c"
  "$parent/parent_cpp"
}

way_makefiles() {
  configure_parent makefiles -G "Unix Makefiles"
  CCACHE_BASEDIR=$work quietly cmake --build "$parent"
  "$parent/parent_c"
  find_consumer "$work/static" cpp -G "Unix Makefiles"
}

way_multi-config() {
  configure_parent multi -G "Ninja Multi-Config"
  CCACHE_BASEDIR=$work quietly cmake --build "$parent" --config Debug
  "$parent/Debug/parent_c"
  install_parents_warppool_of_debug "$work/multi"
  find_consumer "$work/multi" cpp
}

install_parents_warppool_of_debug() {
  quietly cmake --install "$parent" --config Debug --component warppool_runtime --prefix "$1"
  quietly cmake --install "$parent" --config Debug --component warppool_dev --prefix "$1"
}

way_lto() {
  configure_parent lto -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON
  quietly cmake --build "$parent"
  "$parent/parent_c"
  "$parent/parent_cpp"
}

# The stand-in of the service in a project that has targets called like our programs.
way_examples() {
  local build=$work/examples
  quietly cmake -S "$here/examples-user" -B "$build" "${parent_flags[@]}"
  quietly cmake --build "$build"
  "$build/user_test" | tee "$work/answer"
  grep -qF "Echo: What is new?" "$work/answer" || fail "no answer"
  [ -x "$build/warppool/examples/quickstart" ] && [ -x "$build/warppool/examples/loopback/loopback" ] ||
    fail "the programs have other names"
}
