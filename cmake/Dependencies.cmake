# What the library needs. A target that a parent project already has wins over a search of the system.

if(NOT TARGET CURL::libcurl)
  find_package(CURL 7.87 REQUIRED)  # CURLOPT_QUICK_EXIT
endif()
if(NOT TARGET OpenSSL::Crypto)
  find_package(OpenSSL 1.1 REQUIRED COMPONENTS Crypto)
endif()
if(NOT TARGET fmt::fmt)
  find_package(fmt 9 REQUIRED)
endif()
if(NOT TARGET protobuf::libprotobuf OR NOT TARGET protobuf::protoc)
  # Its own package, where there is one: from version 22 on it names the libraries of abseil, which CMake's module does
  # not know of. No version is asked for, since the package takes 22 for another thing than 3.21, and refuses.
  find_package(Protobuf CONFIG QUIET)
  if(NOT Protobuf_FOUND)
    find_package(Protobuf 3.21 MODULE REQUIRED)
  elseif(Protobuf_VERSION VERSION_LESS 3.21)
    message(FATAL_ERROR "protobuf ${Protobuf_VERSION} was found in ${Protobuf_DIR}, and 3.21 is needed")
  endif()
endif()
find_package(Threads REQUIRED)

# RapidJSON's own package names its target, if it has one, in more than one way.
add_library(warppool_rapidjson INTERFACE)
if(TARGET RapidJSON)
  target_link_libraries(warppool_rapidjson INTERFACE RapidJSON)
elseif(TARGET rapidjson)
  target_link_libraries(warppool_rapidjson INTERFACE rapidjson)
else()
  find_package(RapidJSON REQUIRED)
  if(TARGET RapidJSON)
    target_link_libraries(warppool_rapidjson INTERFACE RapidJSON)
  elseif(TARGET rapidjson)
    target_link_libraries(warppool_rapidjson INTERFACE rapidjson)
  else()
    target_include_directories(warppool_rapidjson SYSTEM INTERFACE ${RAPIDJSON_INCLUDE_DIRS})
  endif()
endif()
