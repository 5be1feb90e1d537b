// The version of this header, and of the library that was linked.
#pragma once

#define WARPPOOL_VERSION_MAJOR 0
#define WARPPOOL_VERSION_MINOR 1
#define WARPPOOL_VERSION_PATCH 0
#define WARPPOOL_VERSION_STRING "0.1.0"

namespace warppool {

// The version of the linked library, "major.minor.patch". Differs from WARPPOOL_VERSION_STRING when a program was
// compiled against another release than it runs with. Any thread; the pointer is valid for ever.
const char* Version() noexcept;

}  // namespace warppool
