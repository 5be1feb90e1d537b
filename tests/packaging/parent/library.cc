// The parent's own library: its users know nothing of warppool.
#include <warppool/version.h>

const char* ParentSays() {
  return warppool::Version();
}
