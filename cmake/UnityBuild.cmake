# warppool_unite(<target>): compiles the target's files some 30 at a time as one, in a fraction of the time that they take
# one by one, since most of it goes into headers that they share. WARPPOOL_UNITY_BUILD=OFF leaves it to CMAKE_UNITY_BUILD.
function(warppool_unite target)
  if(WARPPOOL_UNITY_BUILD)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE BATCH UNITY_BUILD_BATCH_SIZE 32)
  endif()
endfunction()
