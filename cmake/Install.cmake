# What `cmake --install` installs: headers, libraries, and what lets CMake and pkg-config find them.

include(CMakePackageConfigHelpers)

# A parent project that exports a library of its own needs ours in an export. So there is one even without
# WARPPOOL_INSTALL, which then installs only with `cmake --install <build> --component warppool_dev`. There is none where
# the parent builds what we depend on: CMake would want that in an export, too.
set(if_asked "")
if(NOT WARPPOOL_INSTALL)
  foreach(dependency IN ITEMS protobuf::libprotobuf CURL::libcurl OpenSSL::Crypto fmt::fmt)
    get_target_property(is_imported ${dependency} IMPORTED)
    if(NOT is_imported)
      return()
    endif()
  endforeach()
  set(if_asked EXCLUDE_FROM_ALL)
endif()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/warppool")
set(runtime COMPONENT warppool_runtime ${if_asked})
set(dev COMPONENT warppool_dev ${if_asked})
get_target_property(c_library_type warppool_c TYPE)
if(WARPPOOL_PACKAGES OR c_library_type STREQUAL "SHARED_LIBRARY")
  set(WARPPOOL_C_IS_SHARED ON)
else()
  set(WARPPOOL_C_IS_SHARED OFF)
endif()

# Without the guide: folders without a header would be installed, too.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/warppool" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" ${dev}
        FILES_MATCHING PATTERN "*.h" PATTERN guide EXCLUDE)
install(FILES "${PROJECT_SOURCE_DIR}/capi/include/warppool.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" ${dev})

# Two exports, since who uses the shared C library must not need what the static core is linked with.
set(cpp_targets warppool)
set(c_targets warppool_c)
if(WARPPOOL_PACKAGES)
  list(APPEND cpp_targets warppool_c)
  set(c_targets warppool_c_shared)
endif()
foreach(api IN ITEMS cpp c)
  install(TARGETS ${${api}_targets} EXPORT warppool-${api}-targets
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${dev}
          LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ${runtime} NAMELINK_COMPONENT warppool_dev
          RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" ${runtime})
  install(EXPORT warppool-${api}-targets NAMESPACE warppool:: DESTINATION "${package_dir}" ${dev})
  export(EXPORT warppool-${api}-targets NAMESPACE warppool:: FILE "${PROJECT_BINARY_DIR}/warppool-${api}-targets.cmake")
endforeach()

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/warppool-config.cmake.in"
  "${PROJECT_BINARY_DIR}/warppool-config.cmake" INSTALL_DESTINATION "${package_dir}")
# Before 1.0 a minor version may change what a program relies on.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/warppool-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/warppool-config.cmake" "${PROJECT_BINARY_DIR}/warppool-config-version.cmake"
        DESTINATION "${package_dir}" ${dev})

include("${CMAKE_CURRENT_LIST_DIR}/PkgConfigFiles.cmake")
