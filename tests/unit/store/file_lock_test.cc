#include "store/file_lock.h"

#include <set>
#include <string>
#include <utility>

#include "catch.h"
#include "unit/store/store_fixture.h"

namespace warppool {
namespace {

using namespace std::chrono_literals;

std::optional<FileLock> Take(const std::string& path, off_t offset, std::chrono::milliseconds timeout = 0ms) {
  auto lock = FileLock::Take(&RealFileSystem(), path, offset, timeout);
  if (!lock.ok()) throw std::runtime_error(lock.status().ToString());
  return *std::move(lock);
}

TEST_CASE("names have places of their own in the lock file, and always the same ones") {
  CHECK(LockOffset("") > 0);
  // Of every version: else two of them would not exclude each other.
  CHECK(LockOffset("a") == static_cast<off_t>(1 + 0xaf63dc4c8601ec8cU % 0x3fffffffffffffffU));
  std::set<off_t> offsets;
  for (int i = 0; i < 10'000; ++i) offsets.insert(LockOffset("name" + std::to_string(i)));
  CHECK(offsets.size() == 10'000);
  CHECK(*offsets.begin() > 0);
}

TEST_CASE("who holds a byte keeps the rest of its process away from it, too") {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto first = Take(path, 7);
  REQUIRE(first);
  CHECK_FALSE(Take(path, 7));
  CHECK_FALSE(Take(path, 7, 20ms));
  CHECK_FALSE(Take(path, 7, -1ms));
  CHECK(Take(path, 8));
  CHECK(Take(path, 0));
  first->Unlock();
  CHECK(Take(path, 7));
  CHECK(Take(path, 7));  // what was returned is gone
}

TEST_CASE("a holder whose second name falls on the byte of the first one does not get it, and goes on") {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto first = Take(path, LockOffset("one"));
  REQUIRE(first);
  CHECK_FALSE(Take(path, LockOffset("one"), 10ms));
}

TEST_CASE("the lock file is private, empty, and not handed to programs that are started") {
  const TemporaryDirectory directory;
  const auto lock = Take(directory / "lock", 1);
  REQUIRE(lock);
  struct stat info {};
  REQUIRE(stat((directory / "lock").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0600);
  CHECK(info.st_size == 0);
  int marked = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry, gone) != directory / "lock") continue;
    if ((fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) != 0) ++marked;
  }
  CHECK(marked == 1);
}

TEST_CASE("a lock keeps other processes away, and ends with its process, however that ends") {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  const Signal held;
  const Signal done;
  ChildProcess holder([&] {
    const auto lock = Take(path, 7);
    held.Give();
    done.Await();
    return lock ? 0 : 1;
  });
  held.Await();
  CHECK_FALSE(Take(path, 7));
  CHECK_FALSE(Take(path, 7, 10ms));
  CHECK(Take(path, 8));
  SECTION("killed") {
    holder.Kill();
    CHECK(Take(path, 7, 1min));
  }
  SECTION("in good order") {
    done.Give();
    CHECK(Take(path, 7, 1min));
    CHECK(holder.Wait() == 0);
  }
}

TEST_CASE("unlocking lets go even if a forked child has inherited the lock") {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto lock = Take(path, 7);
  REQUIRE(lock);
  const Signal done;
  ChildProcess child([&] {
    done.Await();
    return 0;
  });
  lock->Unlock();
  CHECK(Take(path, 7));
  done.Give();
  CHECK(child.Wait() == 0);
}

TEST_CASE("what a forked child destroys is still locked by its parent") {
  const TemporaryDirectory directory;
  const std::string path = directory / "lock";
  auto lock = Take(path, 7);
  REQUIRE(lock);
  ChildProcess child([&] {
    lock.reset();
    return 0;
  });
  CHECK(child.Wait() == 0);
  CHECK_FALSE(Take(path, 7));
}

TEST_CASE("a lock file that cannot be had is an error, and says which") {
  const TemporaryDirectory directory;
  const auto take = [](const std::string& path) { return FileLock::Take(&RealFileSystem(), path, 1, 0ms).status(); };
  CHECK(take(directory / "no/lock").ToString() ==
        "internal: " + directory / "no/lock" + ": cannot be opened: No such file or directory");
  REQUIRE(mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(take(directory / "pipe").ToString() == "invalid_config: " + directory / "pipe" + ": not a regular file");
  std::filesystem::create_symlink(directory / "elsewhere", directory / "link");
  CHECK(take(directory / "link").code() == Code::kInternal);
  CHECK_FALSE(std::filesystem::exists(directory / "elsewhere"));
}

}  // namespace
}  // namespace warppool
