# What cmake/Platform.cmake chooses on each system, and what it refuses: cmake -P platform_choice_test.cmake
cmake_minimum_required(VERSION 3.20)

if(CHOOSE)  # one of the cases below, in a process of its own
  include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/Platform.cmake")
  message(STATUS "poller=${WARPPOOL_POLLER} sources=${warppool_platform_sources}")
  return()
endif()

# expect(<a regular expression for what is printed> <definitions>...)
function(expect wanted)
  execute_process(COMMAND "${CMAKE_COMMAND}" -DCHOOSE=1 ${ARGN} -P "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  if(NOT text MATCHES "${wanted}")
    message(SEND_ERROR "${ARGN}: expected ${wanted}, not: ${text}")
  endif()
endfunction()

expect("poller=epoll sources=.*poller_linux.*" -DCMAKE_SYSTEM_NAME=Linux)
expect("poller=poll sources=.*poller_linux.*" -DCMAKE_SYSTEM_NAME=Linux -DWARPPOOL_POLLER=poll)
expect("poller=poll sources=[^ ]*poller_posix[^ ]*wake_up_posix.cc $" -DCMAKE_SYSTEM_NAME=Darwin)
expect("poller=poll sources=[^ ]*poller_posix[^ ]*wake_up_posix.cc $" -DCMAKE_SYSTEM_NAME=FreeBSD -DWARPPOOL_POLLER=poll)
expect("WARPPOOL_POLLER=epoll: FreeBSD has no epoll" -DCMAKE_SYSTEM_NAME=FreeBSD -DWARPPOOL_POLLER=epoll)
expect("WARPPOOL_POLLER=kqueue: there is no such poller" -DCMAKE_SYSTEM_NAME=Linux -DWARPPOOL_POLLER=kqueue)
expect("WARPPOOL_POLLER=: there is no such poller" -DCMAKE_SYSTEM_NAME=Linux -DWARPPOOL_POLLER=)
expect("does not run on Windows yet. What is missing .* poller .* file locks" -DCMAKE_SYSTEM_NAME=Windows -DWIN32=1)
