// One of two processes that share a state file: sends a request for each line "ask", and is stopped, or held up by its
// store, at a chosen step of an exchange.
//
//   state_stepper <server URL> <state file> <refresh token> [<step> before|after stop|hang|fail]
//
// `step`: 1 when the lock is taken, 2 when the answer is written; before that is committed or after. "stop": the
// process stops itself, until somebody lets it go on. "hang": the store returns five seconds later, which is longer
// than it is waited for. "fail": it says that it failed, and so does the next read.
//
// It writes "ready", and then for each request "ok" or how it failed. It ends with its input. Its log is beside the
// state file.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "warppool/client.h"

namespace {

using namespace std::chrono_literals;

class SteppingStore final : public warppool::StateStore {
 public:
  SteppingStore(std::shared_ptr<warppool::StateStore> store, int step, std::string when, std::string what)
      : store_(std::move(store)), step_(step), when_(std::move(when)), what_(std::move(what)) {}

  warppool::Result<std::optional<std::string>> Read(const std::string& key) override {
    if (std::exchange(is_deaf_, false)) return Failure();
    return store_->Read(key);
  }
  warppool::Status Write(const std::vector<warppool::StateChange>& changes,
                         warppool::StateDurability durability) override {
    return store_->Write(changes, durability);
  }
  warppool::Result<bool> Commit(const std::vector<warppool::StateChange>& changes,
                                warppool::StateDurability durability) override {
    // The first commit takes the lock; only an answer has to survive a loss of power.
    const bool is_answer = durability == warppool::StateDurability::kPowerLoss;
    const bool is_it = step_ == (is_answer ? 2 : 1) && !std::exchange(has_done_[is_answer ? 1 : 0], true);
    if (is_it && when_ == "before") Pause();
    if (is_it && what_ == "fail") {
      is_deaf_ = true;
      if (when_ == "after") static_cast<void>(store_->Commit(changes, durability));
      return Failure();
    }
    auto made = store_->Commit(changes, durability);
    if (is_it && when_ == "after") Pause();
    return made;
  }
  bool IsForManyProcesses() const override { return true; }

 private:
  static warppool::Status Failure() { return {warppool::Code::kInternal, "the store is told to fail"}; }
  void Pause() const {
    if (what_ == "stop") {
      raise(SIGSTOP);  // this very thread goes no further
    } else if (what_ == "hang") {
      std::this_thread::sleep_for(5s);
    }
  }

  const std::shared_ptr<warppool::StateStore> store_;
  const int step_;
  const std::string when_;
  const std::string what_;
  std::array<bool, 2> has_done_{};
  bool is_deaf_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 7) return 2;
  auto file = warppool::OpenFileStore(argv[2]);
  if (!file.ok()) {
    std::fprintf(stderr, "%s\n", file.status().ToString().c_str());
    return 1;
  }
  const std::string log_path = std::string(argv[2]) + "-" + std::to_string(getpid()) + ".log";
  std::FILE* const log = std::fopen(log_path.c_str(), "w");
  if (log == nullptr) return 1;
  const auto began = std::chrono::steady_clock::now();
  warppool::ClientOptions options;
  options.log = [log, began](const warppool::LogRecord& record) {
    const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    std::fprintf(log, "%6d ms  %.*s\n", static_cast<int>(at.count()), static_cast<int>(record.message.size()),
                 record.message.data());
    std::fflush(log);
  };
  options.store = *file;
  if (argc == 7) options.store = std::make_shared<SteppingStore>(*file, std::atoi(argv[4]), argv[5], argv[6]);

  warppool::Config config;
  config.server_url = argv[1];
  config.store_timeout = 2s;
  config.max_token_wait = 10s;      // for others to be overtaken, and not for answers that are never there
  config.state_save_interval = 1h;  // each commit is one of an exchange
  warppool::TokenConfig token;
  token.credential = warppool::Secret(argv[3]);
  config.tokens.push_back(std::move(token));
  auto client = warppool::Client::Create(std::move(config), options);
  if (!client.ok()) {
    std::fprintf(stderr, "%s\n", client.status().ToString().c_str());
    return 1;
  }
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto answer = (*client)->Ask(warppool::Request("hello"));
    std::string said = answer.ok() ? "ok" : answer.status.ToString();
    std::replace(said.begin(), said.end(), '\n', ' ');
    std::cout << said << std::endl;
  }
  client->reset();
  std::fclose(log);
}
