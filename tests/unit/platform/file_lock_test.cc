// Every test runs with each kind of lock that the system has: they are to behave alike.
#include "platform/file_lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/store/store_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;

// Takes locks of one kind.
struct Taker {
  std::optional<FileLock> operator()(const std::string& path, std::int64_t number,
                                     std::chrono::milliseconds timeout = 0ms) const {
    auto lock = FileLock::Take(&RealFileSystem(), path, number, timeout, kind);
    if (!lock.ok()) throw std::runtime_error(lock.status().ToString());
    return *std::move(lock);
  }

  const LockKind kind = EachLockKind();
};

TEST_CASE("names have locks of their own, and always the same ones") {
  CHECK(LockNumber("") > 0);
  // Of every version: else two of them would not exclude each other.
  CHECK(LockNumber("a") == static_cast<std::int64_t>(1 + 0xaf63dc4c8601ec8cU % 0x3fffffffffffffffU));
  std::set<std::int64_t> numbers;
  for (int i = 0; i < 10'000; ++i) numbers.insert(LockNumber("name" + std::to_string(i)));
  CHECK(numbers.size() == 10'000);
  CHECK(*numbers.begin() > 0);
}

TEST_CASE("who holds a lock keeps the rest of its process away from it, too") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto first = take_lock(path, 7);
  REQUIRE(first);
  CHECK_FALSE(take_lock(path, 7));
  CHECK_FALSE(take_lock(path, 7, 20ms));
  CHECK_FALSE(take_lock(path, 7, -1ms));
  CHECK(take_lock(path, 8));
  CHECK(take_lock(path, 0));
  first->Unlock();
  CHECK(take_lock(path, 7));
  CHECK(take_lock(path, 7));  // what was returned is gone
}

TEST_CASE("a holder whose second name falls on the lock of the first one does not get it, and goes on") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto first = take_lock(path, LockNumber("one"));
  REQUIRE(first);
  CHECK_FALSE(take_lock(path, LockNumber("one"), 10ms));
}

TEST_CASE("the lock file is private, empty, and not handed to programs that are started") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::int64_t number = GENERATE(as<std::int64_t>(), 0, 1, 0x3fedcba987654321);
  const auto lock = take_lock(directory / "lock", number);
  REQUIRE(lock);
  const std::map<std::int64_t, std::string> names{
      {0, "lock"}, {1, "lock.0000000000000001"}, {0x3fedcba987654321, "lock.3fedcba987654321"}};
  const std::string path = directory / (take_lock.kind == LockKind::kByte ? "lock" : names.at(number));
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0600);
  CHECK(info.st_size == 0);
  int marked = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry, gone) != path) continue;
    if ((fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) != 0) ++marked;
  }
  CHECK(marked == 1);
}

TEST_CASE("a lock keeps other processes away, and ends with its process, however that ends") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  const Signal held;
  const Signal done;
  ChildProcess holder([&] {
    const auto lock = take_lock(path, 7);
    held.Give();
    done.Await();
    return lock ? 0 : 1;
  });
  held.Await();
  CHECK_FALSE(take_lock(path, 7));
  CHECK_FALSE(take_lock(path, 7, 10ms));
  CHECK(take_lock(path, 8));
  SECTION("killed") {
    holder.Kill();
    CHECK(take_lock(path, 7, 1min));
  }
  SECTION("in good order") {
    done.Give();
    CHECK(take_lock(path, 7, 1min));
    CHECK(holder.Wait() == 0);
  }
}

TEST_CASE("unlocking lets go even if a forked child has inherited the lock") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto lock = take_lock(path, 7);
  REQUIRE(lock);
  const Signal done;
  ChildProcess child([&] {
    done.Await();
    return 0;
  });
  lock->Unlock();
  CHECK(take_lock(path, 7));
  done.Give();
  CHECK(child.Wait() == 0);
}

TEST_CASE("what a forked child destroys is still locked by its parent") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto lock = take_lock(path, 7);
  REQUIRE(lock);
  ChildProcess child([&] {
    lock.reset();
    return 0;
  });
  CHECK(child.Wait() == 0);
  CHECK_FALSE(take_lock(path, 7));
}

TEST_CASE("a lock file that cannot be had is an error, and says which") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const auto take = [&](const std::string& path) {
    return FileLock::Take(&RealFileSystem(), path, 0, 0ms, take_lock.kind).status();
  };
  CHECK(take(directory / "no/lock").ToString() ==
        "internal: " + directory / "no/lock" + ": cannot be opened: No such file or directory");
  REQUIRE(mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(take(directory / "pipe").ToString() == "invalid_config: " + directory / "pipe" + ": not a regular file");
  std::filesystem::create_symlink(directory / "elsewhere", directory / "link");
  CHECK(take(directory / "link").code() == Code::kInternal);
  CHECK_FALSE(std::filesystem::exists(directory / "elsewhere"));
}

}  // namespace
}  // namespace warppool::internal
