# pkg-config: warppool is the C API, warppool-cpp the C++ API, and warppool-static the C API's archive where a package has
# both. The prefix is found from where the file lies, so that the tree can be moved.

set(pc_dir "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH WARPPOOL_PC_PREFIX "${pc_dir}" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" WARPPOOL_PC_PREFIX "${WARPPOOL_PC_PREFIX}")
set(WARPPOOL_PC_PREFIX "\${pcfiledir}/${WARPPOOL_PC_PREFIX}")
foreach(dir IN ITEMS INCLUDEDIR LIBDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(WARPPOOL_PC_${dir} "${CMAKE_INSTALL_${dir}}")
    set(WARPPOOL_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  else()
    set(WARPPOOL_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()

# Libraries by name, not as Requires.private: "static" means our archives, and libcurl's own package would ask for all
# that libcurl could ever be linked with statically.
set(cxx_runtime "")
foreach(library IN ITEMS stdc++ c++)
  if(library IN_LIST CMAKE_CXX_IMPLICIT_LINK_LIBRARIES)
    set(cxx_runtime "-l${library}")
  endif()
endforeach()
set(core_libs "-lwarppool -lprotobuf -lcurl -lcrypto -lfmt ${cxx_runtime} -lm -pthread")
# As warppool_hide_in_consumers() does for CMake.
set(hide "")
if(CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF")
  set(hide "-Wl,--exclude-libs,libwarppool.a:libwarppool_c.a ")
endif()

# warppool_pc_file(<name> <what> <cflags> <libs> <private libs>)
function(warppool_pc_file name WARPPOOL_PC_WHAT WARPPOOL_PC_CFLAGS WARPPOOL_PC_LIBS WARPPOOL_PC_LIBS_PRIVATE)
  set(WARPPOOL_PC_NAME ${name})
  configure_file("${PROJECT_SOURCE_DIR}/cmake/warppool.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" ${dev})
endfunction()

if(WARPPOOL_C_IS_SHARED)
  warppool_pc_file(warppool "C API" "-DWARPPOOL_SHARED" "-lwarppool_c" "")
else()
  warppool_pc_file(warppool "C API" "" "${hide}-lwarppool_c" "${core_libs}")
endif()
if(WARPPOOL_PACKAGES)
  warppool_pc_file(warppool-static "C API, static" "" "${hide}-l:libwarppool_c.a ${core_libs}" "")
endif()
# The C++ API is a static archive always, so that its needs are not private.
warppool_pc_file(warppool-cpp "C++ API" "" "${hide}${core_libs}" "")
