include(CMakeFindDependencyMacro)
find_dependency(warppool 0.1 COMPONENTS cpp)
include("${CMAKE_CURRENT_LIST_DIR}/parent-targets.cmake")
