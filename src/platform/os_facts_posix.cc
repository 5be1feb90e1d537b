#include <sys/utsname.h>

#include "platform/os_facts.h"

#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__linux__)
#include "platform/plain_file.h"
#endif

namespace warppool::internal {

#if defined(__APPLE__)

OsFacts ReadOsFacts() {
  char version[64] = {};
  std::size_t size = sizeof version - 1;
  if (sysctlbyname("kern.osproductversion", version, &size, nullptr, 0) != 0) version[0] = '\0';
  return {"macOS", "macOS", OsWord(version), ""};
}

#elif defined(__linux__)

OsFacts ReadOsFacts() {
  constexpr std::size_t kMostBytes = std::size_t{1} << 16;
  PlainFile release;
  for (const char* const path : {"/etc/os-release", "/usr/lib/os-release"}) {
    if (ReadPlainFile(path, kMostBytes, &release) == 0 && !release.text.empty()) break;
  }
  const auto fact = [&](const char* key) { return OsWord(ReadOsRelease(release.text, key).value_or("")); };
  utsname kernel{};
  uname(&kernel);
  return {"Linux", fact("NAME"), fact("VERSION_ID"), OsWord(kernel.release)};
}

#else

OsFacts ReadOsFacts() {
  utsname system{};
  uname(&system);
  const std::string name = OsWord(system.sysname);
  return {name, name, OsWord(system.release), ""};
}

#endif

}  // namespace warppool::internal
