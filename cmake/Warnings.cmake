# warppool_warnings(<target>): what developers of the library want to hear from the compiler.
function(warppool_warnings target)
  if(NOT WARPPOOL_TOP_LEVEL)
    return()
  endif()
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:Clang,AppleClang>>:-Wthread-safety>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wreserved-identifier>)
  endif()
  warppool_unity_options(${target})
  if(WARPPOOL_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
    # Optimised, g++ 12 takes temporaries with a std::optional in them for uninitialised ones, and the copying of short
    # texts for an overlap; g++ 16 takes the list in a call such as Write({{key, value}}) for one that is used
    # after the call, where that is an operand of && or ?:.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -Wno-error=maybe-uninitialized -Wno-error=restrict
        -Wno-error=dangling-pointer)
    endif()
  endif()
endfunction()
