// What the tests of the stores share: a directory, a store's values, child processes, and one who counts in a store.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "platform/lock_kind.h"
#include "warppool/state_store.h"

namespace warppool::internal {

// A directory that is there as long as the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char path[] = "/tmp/warppool-store-test-XXXXXX";
    REQUIRE(mkdtemp(path) != nullptr);
    path_ = std::filesystem::canonical(path).string();
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void PutContent(const std::string& path, std::string_view text, mode_t mode = 0600) {
  std::ofstream(path, std::ios::binary) << text;
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
}

// The kinds of locks that this system has, one after the other.
inline LockKind EachLockKind() {
#if defined(__linux__)
  return GENERATE(LockKind::kOpenFileDescription, LockKind::kFlock);
#else
  return LockKind::kFlock;
#endif
}

// "(none)" if there is no such record. For child processes and threads, too: it checks nothing.
inline std::string ValueOf(StateStore& store, const std::string& key) {
  const auto value = store.Read(key);
  if (!value.ok()) return value.status().ToString();
  return value->value_or("(none)");
}

inline Status WriteTo(StateStore& store, const std::vector<StateChange>& changes) {
  return store.Write(changes, StateDurability::kPowerLoss);
}

// "made", "not made", or why it failed. For child processes and threads, too.
inline std::string CommitTo(StateStore& store, const std::vector<StateChange>& changes) {
  const auto made = store.Commit(changes, StateDurability::kPowerLoss);
  if (!made.ok()) return made.status().ToString();
  return *made ? "made" : "not made";
}

inline std::vector<std::string> BadKeys() {
  return {"", " ", "a b", "a/b", "../a", "a_b", "a\n", std::string("a\0", 2), "\xC3\xA9", std::string(201, 'k')};
}

// Adds one to "shared" and to `own`, in one commit, `times` times. False if one fails. Any thread or process.
inline bool CountUp(StateStore& store, const std::string& own, int times) {
  const auto next = [&](const std::string& key, StateChange* change) {
    const auto present = store.Read(key);
    if (!present.ok()) return false;
    *change = {key, std::to_string(std::atoi(present->value_or("0").c_str()) + 1), *present};
    return true;
  };
  for (int i = 0; i < times;) {
    std::vector<StateChange> changes(2);
    if (!next("shared", &changes[0]) || !next(own, &changes[1])) return false;
    const auto made = store.Commit(changes, StateDurability::kProcess);
    if (!made.ok()) return false;
    if (*made) ++i;
  }
  return true;
}

// What every store does, whatever it is.
inline void CheckCommits(StateStore& store) {
  CHECK(CommitTo(store, {{"a", "1"}, {"b", ""}}) == "made");
  CHECK(ValueOf(store, "a") == "1");
  CHECK(ValueOf(store, "b").empty());
  // One record is not as it was `before`: none of them changes, in whichever order they come.
  const auto refused = [&](const StateChange& stale) {
    CHECK(CommitTo(store, {{"b", "2", ""}, stale}) == "not made");
    CHECK(CommitTo(store, {stale, {"b", "2", ""}}) == "not made");
    CHECK(ValueOf(store, "a") == "1");
    CHECK(ValueOf(store, "b").empty());
    CHECK(ValueOf(store, "c") == "(none)");
  };
  refused({"a", "2", "0"});                    // another value
  refused({"a", "2", ""});                     // and none is not the same as an empty one
  refused({"a", "2", std::nullopt});           // newly made meanwhile
  refused({"a", std::nullopt, "0"});           // to be removed
  refused({"a", std::nullopt, std::nullopt});  // to be removed where nothing was
  refused({"c", "1", "0"});                    // removed meanwhile
  refused({"c", std::nullopt, ""});
  CHECK(CommitTo(store, {{"b", std::nullopt, ""}, {"a", "2", "1"}, {"c", "3"}}) == "made");
  CHECK(ValueOf(store, "a") == "2");
  CHECK(ValueOf(store, "b") == "(none)");
  CHECK(ValueOf(store, "c") == "3");
  CHECK(CommitTo(store, {{"b", std::nullopt}}) == "made");  // nothing stays nothing
  CHECK(CommitTo(store, {}) == "made");
  // A write does not compare.
  CHECK(WriteTo(store, {{"a", "5", "1"}, {"c", std::nullopt}, {"b", "4", "0"}}).ok());
  CHECK(ValueOf(store, "a") == "5");
  CHECK(ValueOf(store, "b") == "4");
  CHECK(ValueOf(store, "c") == "(none)");
}

// A forked child, which does `work` and exits with what it returns; only from a process with one thread. No assertions
// in there.
class ChildProcess {
 public:
  template <typename Work>
  explicit ChildProcess(const Work& work) : pid_(fork()) {
    if (pid_ == 0) {
      int result = 99;
      try {
        result = work();
      } catch (...) {
      }
      _exit(result);
    }
    REQUIRE(pid_ > 0);
  }
  ~ChildProcess() {
    if (running_) Kill();
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // What it exited with; nothing if it was killed.
  std::optional<int> Wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    running_ = false;
    return WIFEXITED(status) ? std::optional<int>(WEXITSTATUS(status)) : std::nullopt;
  }
  void Kill() {
    kill(pid_, SIGKILL);
    Wait();
  }

 private:
  const pid_t pid_;
  bool running_ = true;
};

// One moment that a process tells another one of.
class Signal {
 public:
  Signal() { REQUIRE(pipe(ends_) == 0); }
  ~Signal() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void Give() const {
    const char byte = 'x';
    while (write(ends_[1], &byte, 1) < 0 && errno == EINTR) {
    }
  }
  void Await() const {
    char byte = 0;
    while (read(ends_[0], &byte, 1) < 0 && errno == EINTR) {
    }
  }

 private:
  int ends_[2] = {-1, -1};
};

}  // namespace warppool::internal
