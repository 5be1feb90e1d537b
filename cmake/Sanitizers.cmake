# One sanitizer for everything that is built here. Only at the top level: a parent project brings its own flags.
if(WARPPOOL_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(WARPPOOL_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(WARPPOOL_SANITIZE STREQUAL "fuzzer")
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "libFuzzer is clang's; use the preset \"fuzz\"")
  endif()
  # Coverage for libFuzzer in everything; its main() in the fuzz targets only.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
    "-fsanitize-ignorelist=${CMAKE_CURRENT_LIST_DIR}/../tests/fuzz/ignorelist.txt")
  add_link_options(-fsanitize=address,undefined)
elseif(WARPPOOL_SANITIZE)
  message(FATAL_ERROR "WARPPOOL_SANITIZE is \"${WARPPOOL_SANITIZE}\"; it takes address, thread or fuzzer")
endif()
