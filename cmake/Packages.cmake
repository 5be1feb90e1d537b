# `cpack -G DEB`: the shared C library, and what is needed to build with the C or the C++ API. Configure with
# -DWARPPOOL_PACKAGES=ON -DCMAKE_INSTALL_PREFIX=/usr, so that the files go where Debian has them.

set(CPACK_PACKAGE_NAME warppool)
set(CPACK_PACKAGE_VENDOR "warppool")
set(CPACK_PACKAGE_CONTACT "The warppool authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX "${CMAKE_INSTALL_PREFIX}")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL warppool_runtime warppool_dev)
set(CPACK_COMPONENTS_GROUPING IGNORE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)

# Named after the library and its SOVERSION, so that two that differ can be installed at once.
set(runtime_package "libwarppool-c${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(CPACK_COMPONENT_WARPPOOL_RUNTIME_DESCRIPTION "${PROJECT_DESCRIPTION}\n The shared library with the C API.")
set(CPACK_DEBIAN_WARPPOOL_RUNTIME_PACKAGE_NAME "${runtime_package}")
set(CPACK_DEBIAN_WARPPOOL_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_WARPPOOL_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")  # the SOVERSION holds for a minor version's releases

set(CPACK_COMPONENT_WARPPOOL_DEV_DESCRIPTION
    "${PROJECT_DESCRIPTION}\n Headers, static archives, and files for CMake and pkg-config.")
set(CPACK_DEBIAN_WARPPOOL_DEV_PACKAGE_NAME libwarppool-dev)
set(CPACK_DEBIAN_WARPPOOL_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_WARPPOOL_DEV_PACKAGE_SHLIBDEPS OFF)
string(CONCAT CPACK_DEBIAN_WARPPOOL_DEV_PACKAGE_DEPENDS
  "${runtime_package} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), "
  "libcurl4-openssl-dev, libfmt-dev, libprotobuf-dev, libssl-dev, g++ | libstdc++-dev")

# Debian wants each package's license beside it.
foreach(package IN ITEMS ${runtime_package} libwarppool-dev)
  if(package STREQUAL "libwarppool-dev")
    set(component warppool_dev)
  else()
    set(component warppool_runtime)
  endif()
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}" RENAME copyright
          COMPONENT ${component})
endforeach()

include(CPack)
