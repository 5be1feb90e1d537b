# warppool_library_options(<target>): how every library of this project is compiled, whatever a parent project's flags are.
function(warppool_library_options target)
  if(CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang|AppleClang)$")
    # The library catches what it throws; a parent that does without exceptions never sees one.
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:-fexceptions;-frtti>")
    # A linker that is asked to collect garbage then finds more than whole files.
    target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
  endif()
  # On 32 bits, too: files and their numbers may be larger.
  target_compile_definitions(${target} PRIVATE $<$<PLATFORM_ID:Linux>:_FILE_OFFSET_BITS=64>)
  # Who links the archives into a shared object of their own should export nothing of ours. Only the shared C library
  # exports, by WARPPOOL_API.
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  warppool_unite(${target})
  warppool_unity_options(${target})
endfunction()

# warppool_unite(<target>): compiles the target's files some 30 at a time as one, in a fraction of the time that they take
# one by one, since most of it goes into headers that they share. WARPPOOL_UNITY_BUILD=OFF leaves it to CMAKE_UNITY_BUILD.
function(warppool_unite target)
  if(WARPPOOL_UNITY_BUILD)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE BATCH UNITY_BUILD_BATCH_SIZE 32)
  endif()
endfunction()

# g++ takes every file of a unit for a header, which a type of a nameless namespace should not come from.
function(warppool_unity_options target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE
      $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-subobject-linkage>)
  endif()
endfunction()

# warppool_prefer_small(<target>): for code that is not on the way of a streamed answer.
function(warppool_prefer_small target)
  if(CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang|AppleClang)$")
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release,RelWithDebInfo>:-Os>)
  endif()
endfunction()

# warppool_hide_in_consumers(<target>): templates of the standard library and of Protocol Buffers are visible by their own
# declaration, so that the linker has to be told to export none of those that our archives hold.
function(warppool_hide_in_consumers target)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "STATIC_LIBRARY" AND CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF")
    target_link_options(${target} INTERFACE "LINKER:--exclude-libs,lib${target}.a")
  endif()
endfunction()
