// What a file store makes of modes, mounts and disks as they are: with another user, and file systems of its own, where
// this process may have them.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "catch.h"
#include "store/file_store.h"
#include "unit/store/store_fixture.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

namespace warppool::internal {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNoRoot = 65534;
constexpr int kHasNot = 77;  // what a child exits with that may not do what it is to test

// "" or what went wrong with it. For child processes: it checks nothing.
std::string Failure(const std::string& path, const std::string& value) {
  const auto store = OpenFileStore(path);
  if (!store.ok()) return store.status().message();
  return WriteTo(**store, {{"a", value}}).message();
}

int FileMode(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 07777U) : -1;
}

// A directory of a user who is not root, and a child that is that user, for whom modes count.
template <typename Work>
int AsNoRoot(const TemporaryDirectory& directory, const Work& work) {
  const bool is_root = geteuid() == 0;
  if (is_root) REQUIRE(chown(directory.path().c_str(), kNoRoot, kNoRoot) == 0);
  ChildProcess child([&] { return is_root && (setgid(kNoRoot) != 0 || setuid(kNoRoot) != 0) ? kHasNot : work(); });
  return child.Wait().value_or(-1);
}

TEST_CASE("under a umask that takes the owner's rights away the file and its lock file have mode 0600") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const auto mask = GENERATE(as<mode_t>(), 0277, 0777);
  CHECK(AsNoRoot(directory, [&] {
          umask(mask);
          for (const char* value : {"1", "2"}) {
            if (!Failure(path, value).empty()) return 1;
            if (FileMode(path) != 0600 || FileMode(path + ".lock") != 0600) return 2;
          }
          return 0;
        }) == 0);
  CHECK(ContentOf(path) == "warppool-state 1\na Mg==\n");
}

TEST_CASE("a lock file without rights, as an older version left it under such a umask, is mended") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const auto mode = GENERATE(as<mode_t>(), 0, 0400);
  CHECK(AsNoRoot(directory, [&] {
          PutContent(path + ".lock", "", mode);
          if (!Failure(path, "1").empty()) return 1;
          return FileMode(path + ".lock") == 0600 ? 0 : 2;
        }) == 0);
}

TEST_CASE("a lock file of another user's cannot be mended, and the store says what to do") {
  if (geteuid() != 0) return;  // only root can make one
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  PutContent(path + ".lock", "");
  CHECK(AsNoRoot(directory, [&] {
          PutContent(path, "");
          const std::string why = path +
                                  ".lock: cannot be opened: Permission denied; remove it, or give it to the user who "
                                  "runs this, with mode 600";
          return Failure(path, "1") == why ? 0 : 1;
        }) == 0);
}

TEST_CASE("in a directory that cannot be written to any more the file stays as it was, and the store says why") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  CHECK(AsNoRoot(directory, [&] {
          const auto store = OpenFileStore(path);
          if (!store.ok() || !WriteTo(**store, {{"a", "1"}}).ok()) return 1;
          fs::permissions(directory.path(), fs::perms(0500));
          const std::string why = WriteTo(**store, {{"a", "2"}}).message();
          const std::string why_not_opened = Failure(path, "2");
          fs::permissions(directory.path(), fs::perms(0700));
          if (why != path + ": stays as it was, since its successor cannot be created: Permission denied") return 2;
          if (why_not_opened !=
              path + ": its directory " + directory.path() + " cannot be written to: Permission denied") {
            return 3;
          }
          if (ValueOf(**store, "a") != "1") return 4;
          return WriteTo(**store, {{"a", "2"}}).ok() ? 0 : 5;
        }) == 0);
}

#if defined(__linux__)

// A child with mounts of its own; kHasNot where there are none to be had, as for one who is not root.
template <typename Work>
int WithOwnMounts(const Work& work) {
  ChildProcess child([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kHasNot;
    return work();
  });
  const int result = child.Wait().value_or(-1);
  if (result == kHasNot) WARN("no file systems of its own: not tested");
  return result;
}

TEST_CASE("a file that is mounted by itself is refused, whatever is in it") {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "outside");
  const auto content = GENERATE(as<std::string>(), "", "warppool-state 1\na MQ==\n");
  PutContent(directory / "outside/state", content);
  PutContent(directory / "state", "");
  const int result = WithOwnMounts([&] {
    if (mount((directory / "outside/state").c_str(), (directory / "state").c_str(), nullptr, MS_BIND, nullptr) != 0) {
      return kHasNot;
    }
    const auto store = OpenFileStore(directory / "state");
    if (store.code() != Code::kInvalidConfig) return 1;
    if (store.status().message().find("it is mounted by itself") == std::string::npos) return 2;
    // What to do instead.
    return Failure(directory / "outside/state", "2").empty() ? 0 : 3;
  });
  if (result == kHasNot) return;
  CHECK(result == 0);
  CHECK(ContentOf(directory / "outside/state") == "warppool-state 1\na Mg==\n");
}

TEST_CASE("what a full disk has no room for leaves the file as it was, and so does one that cannot be written to") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const std::string old(9'000, 'o');
  const int result = WithOwnMounts([&] {
    if (mount("none", directory.path().c_str(), "tmpfs", 0, "size=48k,mode=0700") != 0) return kHasNot;
    const auto store = OpenFileStore(path);
    if (!store.ok() || !WriteTo(**store, {{"a", old}}).ok()) return 1;
    const std::string full = WriteTo(**store, {{"a", std::string(60'000, 'n')}}).message();
    if (full != path + ": stays as it was, since its successor cannot be written: No space left on device") return 2;
    if (ValueOf(**store, "a") != old || fs::exists(path + ".tmp")) return 3;
    if (mount("none", directory.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return kHasNot;
    const std::string refused = WriteTo(**store, {{"a", "1"}}).message();
    if (refused.find("cannot be opened: Read-only file system") == std::string::npos) return 4;
    if (ValueOf(**store, "a") != old) return 5;
    return Failure(path, "1").find("cannot be written to: Read-only file system") != std::string::npos ? 0 : 6;
  });
  if (result == kHasNot) return;
  CHECK(result == 0);
}

#endif

}  // namespace
}  // namespace warppool::internal
