// What the programs of the streams and the requests benchmark have in common: how they are called, and what they
// measure of themselves.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace measured {

struct Arguments {
  std::string url;
  std::string api_key;
  int count = 0;  // of streams or requests
  int query_bytes = 0;
  std::string ca_file;  // empty: libcurl's own
};

inline Arguments ParseArguments(int argc, char** argv) {
  Arguments arguments;
  if (argc == 5 || argc == 6) {
    arguments = {argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]), argc == 6 ? argv[5] : ""};
  }
  if (arguments.count <= 0 || arguments.query_bytes <= 0) {
    std::fprintf(stderr, "usage: %s <url> <API key> <how many> <bytes of the query> [<CA file>]\n", argv[0]);
    std::exit(2);
  }
  return arguments;
}

// So many requests before it is measured: what is needed once is there.
constexpr int kWarmUp = 20;

// A connection takes a descriptor: as many as this process may have.
inline void RaiseDescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Time, processor and memory from its construction on.
class Meter {
 public:
  // One line of JSON. `bytes`: as far as the program counts them.
  void Print(const Arguments& arguments, std::uint64_t bytes) const {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began_;
    std::printf(R"({"seconds": %.3f, "cpu_seconds": %.3f, "sleeps": %ld, "kib_each": %.2f, "bytes": %llu})"
                "\n",
                seconds.count(), CpuSeconds(Usage()) - CpuSeconds(usage_), Usage().ru_nvcsw - usage_.ru_nvcsw,
                static_cast<double>(KiB("VmHWM:") - kib_) / arguments.count, static_cast<unsigned long long>(bytes));
  }

 private:
  static rusage Usage() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage;
  }

  static double CpuSeconds(const rusage& usage) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }

  // Resident memory: "VmRSS:" is now, "VmHWM:" the most there was.
  static long KiB(const std::string& name) {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word) {
      long kib = 0;
      if (word == name && status >> kib) return kib;
    }
    return 0;
  }

  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  rusage usage_ = Usage();
  long kib_ = KiB("VmRSS:");
};

}  // namespace measured
