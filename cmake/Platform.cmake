# What differs between systems: which poller the library uses, and which files of src/platform/ are compiled.
#
# Sets warppool_platform_sources, relative to src/. A file named *_linux.cc, *_posix.cc or *_windows.cc is for those
# systems, where the last two exclude each other; all other files are for all.

if(WIN32)
  message(FATAL_ERROR
    "warppool does not run on Windows yet. What is missing is in src/platform: a poller and a wake-up for sockets "
    "(poller.h, wake_up.h), and file locks and private files (file_system.h), which WARPPOOL_STATE_FILE needs. The "
    "rest compiles: tests/platforms/compile_only.sh windows")
endif()

set(warppool_pollers poll)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  list(PREPEND warppool_pollers epoll)
endif()
list(GET warppool_pollers 0 warppool_default_poller)
set(WARPPOOL_POLLER "${warppool_default_poller}" CACHE STRING
    "How the I/O thread waits for sockets: epoll (Linux only) or poll")
set_property(CACHE WARPPOOL_POLLER PROPERTY STRINGS ${warppool_pollers})
if(WARPPOOL_POLLER STREQUAL "epoll" AND NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "WARPPOOL_POLLER=epoll: ${CMAKE_SYSTEM_NAME} has no epoll, only Linux has. Use poll, the default here.")
endif()
if(NOT WARPPOOL_POLLER IN_LIST warppool_pollers)
  message(FATAL_ERROR "WARPPOOL_POLLER=${WARPPOOL_POLLER}: there is no such poller. It is epoll (Linux only) or poll.")
endif()

set(warppool_platform_sources
  platform/file_lock.cc platform/file_system.cc platform/os_facts.cc platform/process_end.cc platform/read_double.cc platform/replace_file.cc platform/worker.cc
  platform/worker_pool.cc
  platform/connection_posix.cc platform/file_system_posix.cc platform/os_facts_posix.cc platform/plain_file_posix.cc platform/poller_posix.cc
  platform/process_posix.cc platform/quiet_thread_posix.cc platform/wake_up_posix.cc)
# Compiled whatever is chosen, for the tests of both.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  list(APPEND warppool_platform_sources platform/poller_linux.cc platform/wake_up_linux.cc)
endif()
