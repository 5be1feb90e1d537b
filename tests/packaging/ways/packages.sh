# What goes to other machines: the ABI of the shared library, and Debian packages.

way_abi() {
  local library
  library=$(realpath "$work/used-build")/capi/libwarppool_c.so
  "$here/abi.sh" "$library"
}

# Built as a packager builds it, and used where nothing else of ours is.
way_deb() {
  local build=$work/deb root=$work/root
  quietly cmake -S "$source_dir" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr \
    -DWARPPOOL_PACKAGES=ON -DWARPPOOL_BUILD_TESTS=OFF -DWARPPOOL_BUILD_EXAMPLES=OFF
  quietly cmake --build "$build"
  (cd "$build" && quietly cpack -G DEB)
  ls "$build"/*.deb | sed 's|.*/||'
  for package in "$build"/libwarppool*.deb; do
    dpkg-deb --field "$package" Package Depends | tr '\n' ' '
    echo
  done

  "$here/clean_root.sh" "$root"
  cp "$build"/*.deb "$root/root/"
  cp "$here/consumer/main.c" "$root/root/"
  # shellcheck disable=SC2016  # expanded inside
  quietly chroot "$root" sh -ec 'apt-get install --yes --no-install-recommends /root/*.deb gcc libc6-dev pkg-config
    cd /root
    cc -o shared main.c $(pkg-config --cflags --libs warppool)
    cc -o static main.c $(pkg-config --cflags --libs warppool-static)
    ldd static | grep -q libwarppool && exit 1
    ldd shared | grep -q libwarppool_c'
  chroot "$root" /root/shared
  chroot "$root" /root/static
  # The program that was linked with the shared library needs the runtime package alone, and what that depends on.
  quietly chroot "$root" sh -c 'apt-get install --yes --no-install-recommends /root/libwarppool-c*.deb'
  quietly chroot "$root" apt-get autoremove --purge --yes libwarppool-dev
  chroot "$root" /root/shared
}
