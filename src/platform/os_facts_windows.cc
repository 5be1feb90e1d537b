#include "platform/os_facts.h"

namespace warppool::internal {

// GetVersionEx() tells each program the version that its manifest asks for: no version is better than a wrong one.
OsFacts ReadOsFacts() {
  return {"Windows", "Windows", "unknown", ""};
}

}  // namespace warppool::internal
