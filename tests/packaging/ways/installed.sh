# The library as BUILD installs it, for programs that know nothing else of it.

way_cmake-c() {
  local strangers
  strangers=$(find "$work/static/include" -mindepth 1 ! -name '*.h' ! -path "$work/static/include/warppool")
  [ -z "$strangers" ] || fail "more than headers is installed with them: $strangers"
  find_consumer "$work/static" c
}

way_cmake-cpp() { find_consumer "$work/static" cpp; }

way_pkg-config() { pkg_config_consumer "$work/static" --static; }

way_pkg-config-cpp() { pkg_config_cpp_consumer "$work/static"; }

# The archives in a shared object of somebody's: it exports its own function, and nothing of what is inside.
way_hidden() {
  local flags pc_dir exported
  pkg_config_flags "$work/static" warppool --static
  quietly "$cc" -shared -fPIC -fvisibility=hidden -o "$work/plugin-c.so" "$here/hidden/plugin.c" "${flags[@]}" -Wl,-z,defs
  exported=$(nm -D --defined-only "$work/plugin-c.so" | awk '{print $NF}')
  [ "$exported" = plugin_starts ] || fail "the C plug-in exports $(wc -l <<<"$exported") symbols: $(head -n 5 <<<"$exported")"

  # By flags alone, for who links without pkg-config and CMake: nothing that is declared in this library.
  quietly "$cc" -shared -fPIC -o "$work/plugin-bare.so" -I"$work/static/include" "$here/hidden/plugin.c" \
    $(find "$work/static" -name libwarppool_c.a) $(find "$work/static" -name libwarppool.a) \
    -lprotobuf -lcurl -lcrypto -lfmt -lstdc++ -lm -pthread
  exported=$(nm -DC --defined-only "$work/plugin-bare.so" | cut -c20- | grep -E '^((typeinfo|vtable|guard variable)[a-z ]* for )?warppool' || true)
  [ -z "$exported" ] || fail "the plug-in without flags exports of ours: $(head -n 5 <<<"$exported")"

  pkg_config_flags "$work/static" warppool-cpp
  quietly "$cxx" -std=c++17 -shared -fPIC -fvisibility=hidden -fvisibility-inlines-hidden -o "$work/plugin-cpp.so" \
    "$here/hidden/plugin.cc" "${flags[@]}" -Wl,-z,defs
  exported=$(nm -DC --defined-only "$work/plugin-cpp.so" | cut -c20- | grep -E 'warppool|google|fmt::' || true)
  [ -z "$exported" ] || fail "the C++ plug-in exports: $(head -n 5 <<<"$exported")"
}

# A packager's DESTDIR, and a tree that was moved afterwards.
way_destdir() {
  local moved=$work/moved/anywhere
  DESTDIR=$work/stage quietly cmake --install "$work/used-build" --prefix /opt/warppool
  [ ! -e /opt/warppool ] || fail "DESTDIR was not heeded"
  mkdir -p "$work/moved"
  mv "$work/stage/opt/warppool" "$moved"
  ! grep -rIl -e "$work/stage" -e /opt/warppool "$moved" || fail "files name where they were installed"
  find_consumer "$moved" c
  find_consumer "$moved" cpp
  pkg_config_consumer "$moved" --static
  pkg_config_cpp_consumer "$moved"
}
