// Several stores, threads and processes on one file.

#include <fcntl.h>
#include <sys/stat.h>

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "platform/file_lock.h"
#include "store/file_store.h"
#include "unit/store/store_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<StateStore> OpenedOrThrow(const std::string& path, LockKind kind = SystemLockKind()) {
  FileStoreOptions options;
  options.lock_kind = kind;
  auto store = OpenFileStoreWith(options, path, {});
  if (!store.ok()) throw std::runtime_error(store.status().ToString());
  return *std::move(store);
}

// As a clock does that was set back, or stands still for a moment.
void SetTimes(const std::string& path, const struct stat& info) {
  const timespec times[2] = {info.st_atim, info.st_mtim};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

TEST_CASE("a store sees what another one wrote, even if size, time, and a freed inode number are those of before") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const auto reader = OpenedOrThrow(path);
  const auto writer = OpenedOrThrow(path);
  REQUIRE(WriteTo(*writer, {{"a", "100"}}).ok());
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK(ValueOf(*reader, "a") == "100");
  for (int i = 101; i < 120; ++i) {
    REQUIRE(WriteTo(*writer, {{"a", std::to_string(i)}}).ok());
    SetTimes(path, info);
    CHECK(ValueOf(*reader, "a") == std::to_string(i));
    REQUIRE(WriteTo(*writer, {{"a", "999"}}).ok());  // the inode of the file before is free now, but for the reader
  }
}

TEST_CASE("a file that is not replaced is not read again") {
  const TemporaryDirectory directory;
  const auto store = OpenedOrThrow(directory / "state");
  REQUIRE(WriteTo(*store, {{"a", "1"}}).ok());
  struct stat info {};
  REQUIRE(stat((directory / "state").c_str(), &info) == 0);
  // Changed behind the store's back, by one who sets the clock back: that it does not notice shows that it did not
  // look.
  const std::string text = ContentOf(directory / "state");
  PutContent(directory / "state", text.substr(0, text.find("MQ==")) + "Mg==\n");
  SetTimes(directory / "state", info);
  CHECK(ValueOf(*store, "a") == "1");
  CHECK(ValueOf(*OpenedOrThrow(directory / "state"), "a") == "2");
  // A write is never based on what was read before.
  REQUIRE(WriteTo(*store, {{"b", "1"}}).ok());
  CHECK(ValueOf(*store, "a") == "2");
}

TEST_CASE("a file that is removed takes its records along") {
  const TemporaryDirectory directory;
  const auto store = OpenedOrThrow(directory / "state");
  REQUIRE(WriteTo(*store, {{"a", "1"}}).ok());
  REQUIRE(std::filesystem::remove(directory / "state"));
  CHECK(ValueOf(*store, "a") == "(none)");
  REQUIRE(WriteTo(*store, {{"b", "2"}}).ok());
  CHECK(ContentOf(directory / "state") == "warppool-state 1\nb Mg==\n");
}

TEST_CASE("processes that write at the same time lose nothing") {
  const LockKind kind = EachLockKind();
  const TemporaryDirectory directory;
  constexpr int kProcesses = 4;
  constexpr int kTimes = 8;
  std::deque<ChildProcess> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.emplace_back(
        [&] { return CountUp(*OpenedOrThrow(directory / "state", kind), "own" + std::to_string(i), kTimes) ? 0 : 1; });
  }
  for (ChildProcess& child : children) CHECK(child.Wait() == 0);
  const auto store = OpenedOrThrow(directory / "state", kind);
  CHECK(ValueOf(*store, "shared") == std::to_string(kProcesses * kTimes));
  for (int i = 0; i < kProcesses; ++i) CHECK(ValueOf(*store, "own" + std::to_string(i)) == std::to_string(kTimes));
}

TEST_CASE("threads that write at the same time, through one store or two, lose nothing") {
  const LockKind kind = EachLockKind();
  const TemporaryDirectory directory;
  constexpr int kThreads = 4;
  constexpr int kTimes = 8;
  const std::shared_ptr<StateStore> stores[] = {OpenedOrThrow(directory / "state", kind),
                                                OpenedOrThrow(directory / "state", kind)};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] { CountUp(*stores[i % 2], "own" + std::to_string(i), kTimes); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& store : stores) {
    CHECK(ValueOf(*store, "shared") == std::to_string(kThreads * kTimes));
    for (int i = 0; i < kThreads; ++i) CHECK(ValueOf(*store, "own" + std::to_string(i)) == std::to_string(kTimes));
  }
}

TEST_CASE("a write that others keep waiting fails when its patience is over, and says who is in the way") {
  const TemporaryDirectory directory;
  FileStoreOptions options;
  options.patience = 20ms;
  const auto store = OpenFileStoreWith(options, directory / "state", {});
  REQUIRE(store.ok());
  REQUIRE(WriteTo(**store, {{"a", "1"}}).ok());
  auto other = FileLock::Take(&RealFileSystem(), directory / "state.lock", 0ms);
  REQUIRE(other.ok());
  REQUIRE(*other);
  const Status status = WriteTo(**store, {{"a", "2"}});
  CHECK(status.code() == Code::kTimeout);
  CHECK(status.retryable());
  CHECK(status.message() == directory / "state.lock" + ": another process or client has held it for 20 ms");
  CHECK(ValueOf(**store, "a") == "1");  // reading waits for nobody
  (*other)->Unlock();
  CHECK(WriteTo(**store, {{"a", "2"}}).ok());
}

TEST_CASE("a commit of a file store is made if nobody has come between, in this process or elsewhere") {
  const LockKind kind = EachLockKind();
  const TemporaryDirectory directory;
  const auto first = OpenedOrThrow(directory / "state", kind);
  const auto second = OpenedOrThrow(directory / "state", kind);
  CHECK(first->IsForManyProcesses());
  REQUIRE(CommitTo(*first, {{"a", "1"}}) == "made");
  REQUIRE(ValueOf(*second, "a") == "1");
  REQUIRE(CommitTo(*first, {{"a", "2", "1"}}) == "made");
  CHECK(CommitTo(*second, {{"a", "3", "1"}, {"b", "3"}}) == "not made");
  CHECK(ValueOf(*second, "b") == "(none)");
  ChildProcess child([&] {
    const auto own = OpenedOrThrow(directory / "state", kind);
    return CommitTo(*own, {{"a", "4", "1"}}) == "not made" && CommitTo(*own, {{"a", "4", "2"}}) == "made" ? 0 : 1;
  });
  CHECK(child.Wait() == 0);
  CHECK(CommitTo(*first, {{"a", "5", "2"}}) == "not made");
  CHECK(ValueOf(*first, "a") == "4");
}

TEST_CASE("a commit that is not made does not touch the file") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const auto store = OpenedOrThrow(path);
  REQUIRE(CommitTo(*store, {{"a", "1"}}) == "made");
  struct stat before {};
  REQUIRE(stat(path.c_str(), &before) == 0);
  CHECK(CommitTo(*store, {{"a", "2", "0"}}) == "not made");
  struct stat after {};
  REQUIRE(stat(path.c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino);
}

TEST_CASE("a store opens while others write, without waiting for them for long") {
  const TemporaryDirectory directory;
  REQUIRE(WriteTo(*OpenedOrThrow(directory / "state"), {{"a", "1"}}).ok());
  const auto others = FileLock::Take(&RealFileSystem(), directory / "state.lock", 0ms);
  REQUIRE(others.ok());
  REQUIRE(*others);
  FileStoreOptions options;
  options.patience = 20ms;
  const auto store = OpenFileStoreWith(options, directory / "state", {});
  REQUIRE(store.ok());
  CHECK(ValueOf(**store, "a") == "1");
}

}  // namespace
}  // namespace warppool::internal
