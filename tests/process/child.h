// A program that a test starts, and that must end by itself.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "amount.h"
#include "catch.h"

extern char** environ;

namespace warppool {

// For everything that a child does. The library's own limit is a second; a machine that is busy gets much more.
inline const std::chrono::seconds kChildPatience{AmountFrom("WARPPOOL_CHILD_SECONDS", kSanitized ? 60 : 30)};

class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    const int failed = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output_ = ends[0];
    if (failed != 0) pid_ = 0;
    REQUIRE(failed == 0);
  }
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(output_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }

  // Reads its output until there is `text`, or no more. False: it is not in it.
  bool ReadUntil(const std::string& text) {
    while (text_.find(text) == std::string::npos) {
      if (!ReadMore()) return false;
    }
    return true;
  }

  // How it ended: "exit 0", "signal 11", or "hangs", and is killed then.
  std::string Wait() {
    while (ReadMore()) {
    }
    // Its output is closed: it has ended, or is about to; what inherited the output from it is waited for, too.
    if (std::chrono::steady_clock::now() >= until_) kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    if (hangs_) return "hangs";
    if (WIFEXITED(status)) return "exit " + std::to_string(WEXITSTATUS(status));
    return "signal " + std::to_string(WTERMSIG(status));
  }

  // All that was read.
  const std::string& output() const { return text_; }

 private:
  // False at the end, or when its time is over.
  bool ReadMore() {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - std::chrono::steady_clock::now());
    pollfd ready{output_, POLLIN, 0};
    const int polled = left.count() > 0 ? poll(&ready, 1, static_cast<int>(left.count())) : 0;
    if (polled < 0 && errno == EINTR) return true;
    if (polled <= 0) {
      hangs_ = true;
      return false;
    }
    char bytes[4096];
    const ssize_t got = read(output_, bytes, sizeof bytes);
    if (got <= 0) return false;
    text_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  pid_t pid_ = 0;
  int output_ = -1;
  std::string text_;
  bool hangs_ = false;
  const std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + kChildPatience;
};

}  // namespace warppool
