// The same by the C++ API. The templates of the standard library that it uses itself are its own affair.
#include <warppool/client.h>

__attribute__((visibility("default"))) extern "C" int plugin_starts();

int plugin_starts() {
  return warppool::Client::Create(warppool::Config()).ok() ? 0 : 1;
}
