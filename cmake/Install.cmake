# What `cmake --install` installs: headers, libraries, and what lets CMake and pkg-config find them.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/warppool")
get_target_property(c_library_type warppool_c TYPE)
if(c_library_type STREQUAL "SHARED_LIBRARY")
  set(WARPPOOL_C_IS_SHARED ON)
else()
  set(WARPPOOL_C_IS_SHARED OFF)
endif()

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/warppool" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.h")
install(FILES "${PROJECT_SOURCE_DIR}/capi/include/warppool.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

# Two exports, since who uses the shared C library must not need what the static core is linked with.
install(TARGETS warppool EXPORT warppool-cpp-targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(TARGETS warppool_c EXPORT warppool-c-targets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
foreach(api IN ITEMS cpp c)
  install(EXPORT warppool-${api}-targets NAMESPACE warppool:: DESTINATION "${package_dir}")
endforeach()

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/warppool-config.cmake.in"
  "${PROJECT_BINARY_DIR}/warppool-config.cmake" INSTALL_DESTINATION "${package_dir}")
# Before 1.0 a minor version may change what a program relies on.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/warppool-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/warppool-config.cmake" "${PROJECT_BINARY_DIR}/warppool-config-version.cmake"
        DESTINATION "${package_dir}")

# pkg-config, for the C API. The prefix is found from where the file lies, so that the tree can be moved.
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
if(WARPPOOL_C_IS_SHARED)
  set(WARPPOOL_PC_CFLAGS "-DWARPPOOL_SHARED")
  set(WARPPOOL_PC_REQUIRES_PRIVATE "")
  set(WARPPOOL_PC_LIBS_PRIVATE "")
else()
  # Libraries by name, not as Requires.private: "static" means our archives, and libcurl's own package would ask for all
  # that libcurl could ever be linked with statically. Only protobuf's knows which libraries of abseil its headers need.
  set(protobuf_library "-lprotobuf ")
  set(WARPPOOL_PC_REQUIRES_PRIVATE "")
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(warppool_pc_protobuf QUIET protobuf)
    if(warppool_pc_protobuf_FOUND)
      set(protobuf_library "")
      set(WARPPOOL_PC_REQUIRES_PRIVATE "protobuf")
    endif()
  endif()
  set(cxx_runtime "")
  foreach(library IN ITEMS stdc++ c++)
    if(library IN_LIST CMAKE_CXX_IMPLICIT_LINK_LIBRARIES)
      set(cxx_runtime "-l${library}")
    endif()
  endforeach()
  set(WARPPOOL_PC_CFLAGS "")
  set(WARPPOOL_PC_LIBS_PRIVATE "-lwarppool ${protobuf_library}-lcurl -lcrypto -lfmt ${cxx_runtime} -lm -pthread")
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/warppool.pc.in" "${PROJECT_BINARY_DIR}/warppool.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/warppool.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
