#include "client/request_counts.h"

#include <atomic>
#include <thread>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

TEST_CASE("a request has succeeded, or was cancelled, or has failed") {
  RequestCounts counts;
  for (int i = 0; i < 7; ++i) counts.Started();
  CHECK(counts.Read().running == 7);
  counts.Ended(Code::kOk);
  counts.Ended(Code::kCancelled);
  counts.Ended(Code::kCancelled);
  for (const Code code : {Code::kNetwork, Code::kInternal, Code::kTimeout}) counts.Ended(code);
  const RequestStats stats = counts.Read();
  CHECK(stats.started == 7);
  CHECK(stats.succeeded == 1);
  CHECK(stats.cancelled == 2);
  CHECK(stats.failed == 3);
  CHECK(stats.running == 1);
}

TEST_CASE("whoever looks while requests begin and end never sees fewer begun than ended") {
  constexpr std::uint64_t kRequests = 20'000;
  RequestCounts counts;
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < kRequests; ++i) {
        counts.Started();
        counts.Ended(i % 3 == 0 ? Code::kOk : i % 3 == 1 ? Code::kCancelled : Code::kNetwork);
      }
      ++done;
    });
  }
  bool sound = true;
  while (done < 2) {
    const RequestStats stats = counts.Read();
    // Two threads have two requests under way; more may begin while the numbers are read.
    sound = sound && stats.succeeded + stats.failed + stats.cancelled + stats.running == stats.started;
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(sound);
  CHECK(counts.Read().started == 2 * kRequests);
  CHECK(counts.Read().running == 0);
}

}  // namespace
}  // namespace warppool::internal
