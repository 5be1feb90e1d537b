// Every test runs with each kind of lock that the system has: they are to behave alike.
#include "platform/file_lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <iterator>
#include <optional>
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
  std::optional<FileLock> operator()(const std::string& path, std::chrono::milliseconds timeout = 0ms) const {
    auto lock = FileLock::Take(&RealFileSystem(), path, timeout, kind);
    if (!lock.ok()) throw std::runtime_error(lock.status().ToString());
    return *std::move(lock);
  }

  const LockKind kind = EachLockKind();
};

TEST_CASE("who holds a lock keeps the rest of its process away from it, too") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto first = take_lock(path);
  REQUIRE(first);
  CHECK_FALSE(take_lock(path));
  CHECK_FALSE(take_lock(path, 20ms));
  CHECK_FALSE(take_lock(path, -1ms));
  CHECK(take_lock(directory / "other"));
  first->Unlock();
  CHECK(take_lock(path));
  CHECK(take_lock(path));  // what was returned is gone
}

TEST_CASE("the lock file is private, empty, and not handed to programs that are started") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  const auto lock = take_lock(path);
  REQUIRE(lock);
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
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("a lock file of this user's has mode 0600, whatever it had") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  PutContent(path, "", GENERATE(as<mode_t>(), 0, 0400, 0200, 0644, 0777));
  CHECK(take_lock(path));
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0600);
}

TEST_CASE("a lock keeps other processes away, and ends with its process, however that ends") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  const Signal held;
  const Signal done;
  ChildProcess holder([&] {
    const auto lock = take_lock(path);
    held.Give();
    done.Await();
    return lock ? 0 : 1;
  });
  held.Await();
  CHECK_FALSE(take_lock(path));
  CHECK_FALSE(take_lock(path, 10ms));
  CHECK(take_lock(directory / "other"));
  SECTION("killed") {
    holder.Kill();
    CHECK(take_lock(path, 1min));
  }
  SECTION("in good order") {
    done.Give();
    CHECK(take_lock(path, 1min));
    CHECK(holder.Wait() == 0);
  }
}

TEST_CASE("unlocking lets go even if a forked child has inherited the lock") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto lock = take_lock(path);
  REQUIRE(lock);
  const Signal done;
  ChildProcess child([&] {
    done.Await();
    return 0;
  });
  lock->Unlock();
  CHECK(take_lock(path));
  done.Give();
  CHECK(child.Wait() == 0);
}

TEST_CASE("what a forked child destroys is still locked by its parent") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto lock = take_lock(path);
  REQUIRE(lock);
  ChildProcess child([&] {
    lock.reset();
    return 0;
  });
  CHECK(child.Wait() == 0);
  CHECK_FALSE(take_lock(path));
}

TEST_CASE("a lock file that cannot be had is an error, and says which") {
  const Taker take_lock;
  const TemporaryDirectory directory;
  const auto take = [&](const std::string& path) {
    return FileLock::Take(&RealFileSystem(), path, 0ms, take_lock.kind).status();
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
