# The target `docs`: HTML of both APIs' public headers in <build>/docs/cpp and <build>/docs/c, where there is Doxygen. What
# it complains of (a parameter that does not exist, a command that it does not know) is an error. tests/run.sh --deep docs
# builds it.
#
# The headers are commented as the rest of the code is; doxygen_comments.awk makes of that what Doxygen reads.

find_package(Doxygen QUIET)
if(NOT DOXYGEN_FOUND)
  return()
endif()
if(DOXYGEN_VERSION VERSION_LESS 1.9.1)
  message(STATUS "warppool: the target docs needs Doxygen 1.9.1, this is ${DOXYGEN_VERSION}")
  return()
endif()

set(DOXYGEN_PROJECT_NAME warppool)
set(DOXYGEN_QUIET YES)
set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)
set(DOXYGEN_EXTRACT_ALL YES)  # what a name says needs no comment
set(DOXYGEN_EXTRACT_PRIVATE NO)
set(DOXYGEN_WARN_IF_DOC_ERROR YES)
set(DOXYGEN_INPUT_FILTER "awk -f cmake/doxygen_comments.awk")  # it runs in the source folder
set(DOXYGEN_STRIP_FROM_PATH "${PROJECT_SOURCE_DIR}")
set(DOXYGEN_FILE_PATTERNS *.h)
set(DOXYGEN_GENERATE_LATEX NO)
set(DOXYGEN_HAVE_DOT NO)
set(DOXYGEN_SORT_MEMBER_DOCS NO)
set(DOXYGEN_EXCLUDE_SYMBOLS *::internal*)

set(DOXYGEN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/docs/cpp")
set(DOXYGEN_PROJECT_BRIEF "The C++ API")
set(DOXYGEN_STRIP_FROM_INC_PATH "${PROJECT_SOURCE_DIR}/include")
doxygen_add_docs(warppool_docs_cpp "${PROJECT_SOURCE_DIR}/include/warppool")

set(DOXYGEN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/docs/c")
set(DOXYGEN_PROJECT_BRIEF "The C API")
set(DOXYGEN_OPTIMIZE_OUTPUT_FOR_C YES)
set(DOXYGEN_STRIP_FROM_INC_PATH "${PROJECT_SOURCE_DIR}/capi/include")
set(DOXYGEN_MACRO_EXPANSION YES)
set(DOXYGEN_EXPAND_ONLY_PREDEF YES)
set(DOXYGEN_PREDEFINED WARPPOOL_API= WARPPOOL_ENUM_TYPE=)
doxygen_add_docs(warppool_docs_c "${PROJECT_SOURCE_DIR}/capi/include")

add_custom_target(docs)
add_dependencies(docs warppool_docs_cpp warppool_docs_c)
