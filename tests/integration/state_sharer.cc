// One of several processes that share a state file: sends requests until it has sent enough, or is told to end
// (SIGTERM).
//
//   state_sharer <server URL> <state file> <requests> <threads> <refresh token>...
//
// At its end it writes a line to standard output: how many requests were answered, how many were not, and how the first
// of those failed.

#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "warppool/client.h"

namespace {

std::atomic<int> left{0};

void EndSoon(int /*signal*/) {
  left = 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  warppool::Config config;
  config.server_url = argv[1];
  config.state_file = argv[2];
  const int requests = std::atoi(argv[3]);
  const int threads = std::atoi(argv[4]);
  for (int i = 5; i < argc; ++i) {
    warppool::TokenConfig token;
    token.credential = warppool::Secret(argv[i]);
    config.tokens.push_back(std::move(token));
  }
  auto client = warppool::Client::Create(std::move(config));
  if (!client.ok()) {
    std::fprintf(stderr, "%s\n", client.status().ToString().c_str());
    return 1;
  }

  left = requests;
  signal(SIGTERM, EndSoon);
  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  std::mutex mutex;
  std::string first_failure;
  std::vector<std::thread> crew;
  for (int i = 0; i < threads; ++i) {
    crew.emplace_back([&] {
      while (left-- > 0) {
        const auto answer = (*client)->Ask(warppool::Request("hello"));
        if (answer.ok()) {
          ++answered;
          continue;
        }
        ++failed;
        const std::lock_guard<std::mutex> lock(mutex);
        if (first_failure.empty()) first_failure = answer.status.ToString();
      }
    });
  }
  for (std::thread& thread : crew) thread.join();
  client->reset();
  std::printf("%d %d %s\n", answered.load(), failed.load(), first_failure.c_str());
}
