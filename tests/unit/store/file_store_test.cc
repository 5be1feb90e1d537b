// What a file store keeps, and what it makes of the file that it finds.

#include "store/file_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>

#include "catch.h"
#include "unit/fakes.h"
#include "unit/store/store_fixture.h"

namespace warppool::internal {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

std::shared_ptr<StateStore> Opened(const std::string& path) {
  auto store = OpenFileStore(path);
  INFO(store.status().ToString());
  REQUIRE(store.ok());
  return *std::move(store);
}

// What opening it fails with.
std::string RefusalAt(const std::string& path) {
  const auto store = OpenFileStore(path);
  REQUIRE_FALSE(store.ok());
  CHECK(store.code() == Code::kInvalidConfig);
  return store.status().message();
}

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

TEST_CASE("a file store has what was written, and so has the next one that opens the file") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const auto store = Opened(path);
  CHECK(ValueOf(*store, "a") == "(none)");
  CHECK_FALSE(fs::exists(path));  // nothing to keep yet
  const std::string bytes("\0\r\n\xFF", 4);
  REQUIRE(WriteTo(*store, {{"a", "1"}, {"b", bytes}, {"c", ""}, {"a", "2"}}).ok());
  REQUIRE(WriteTo(*store, {{"c", std::nullopt}, {"missing", std::nullopt}}).ok());
  for (const auto& each : {store, Opened(path)}) {
    CHECK(ValueOf(*each, "a") == "2");
    CHECK(ValueOf(*each, "b") == bytes);
    CHECK(ValueOf(*each, "c") == "(none)");
  }
  CHECK(ContentOf(path) == "warppool-state 1\na Mg==\nb AA0K_w==\n");
}

TEST_CASE("a file store commits what nobody has changed meanwhile, all of it or nothing") {
  const TemporaryDirectory directory;
  const auto store = Opened(directory / "state");
  CheckCommits(*store);
  CHECK(ValueOf(*Opened(directory / "state"), "a") == "5");
}

TEST_CASE("a file store leaves nothing behind but its file and the lock file") {
  const TemporaryDirectory directory;
  const auto store = Opened(directory / "state");
  PutContent(directory / "state.tmp", "of one who was stopped");
  REQUIRE(WriteTo(*store, {{"a", "1"}}).ok());
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory.path())) names.insert(entry.path().filename());
  CHECK(names == std::set<std::string>{"state", "state.lock"});
}

TEST_CASE("the file is private, whatever the umask says and whatever was there") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const mode_t before = umask(GENERATE(as<mode_t>(), 0, 022, 0277, 0777));
  PutContent(directory / "state.tmp", "", 0666);
  const auto store = Opened(path);
  const Status first = WriteTo(*store, {{"a", "1"}});
  const Status second = WriteTo(*store, {{"a", "2"}});
  umask(before);
  CHECK(first.ok());
  CHECK(second.ok());
  CHECK(ModeOf(path) == 0600);
  CHECK(ModeOf(path + ".lock") == 0600);
}

TEST_CASE("a temporary file that somebody else holds open is not written into") {
  const TemporaryDirectory directory;
  PutContent(directory / "other", "theirs");
  const auto store = Opened(directory / "state");
  SECTION("by another name") {
    fs::create_hard_link(directory / "other", directory / "state.tmp");
  }
  SECTION("by a link") {
    fs::create_symlink(directory / "other", directory / "state.tmp");
  }
  REQUIRE(WriteTo(*store, {{"a", "1"}}).ok());
  CHECK(ContentOf(directory / "other") == "theirs");
  CHECK(fs::is_regular_file(fs::symlink_status(directory / "state")));
}

TEST_CASE("an empty file is an empty store") {
  const TemporaryDirectory directory;
  PutContent(directory / "state", "");
  const auto store = Opened(directory / "state");
  CHECK(ValueOf(*store, "a") == "(none)");
  CHECK(WriteTo(*store, {{"a", "1"}}).ok());
}

TEST_CASE("a file that others may use is refused, before and after opening it") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const auto mode = GENERATE(as<mode_t>(), 0640, 0620, 0610, 0604, 0602, 0601, 0644, 0666);
  const auto store = Opened(path);
  PutContent(path, "warppool-state 1\na eA==\n", mode);
  CHECK_THAT(RefusalAt(path), ContainsSubstring(path) && ContainsSubstring("chmod 600"));
  CHECK(store->Read("a").code() == Code::kInvalidConfig);
  CHECK(WriteTo(*store, {{"a", "1"}}).code() == Code::kInvalidConfig);
  CHECK(ContentOf(path) == "warppool-state 1\na eA==\n");
  fs::permissions(path, fs::perms(0400));
  CHECK(ValueOf(*store, "a") == "x");
}

TEST_CASE("what is no regular file is refused, and nobody waits for it") {
  const TemporaryDirectory directory;
  REQUIRE(mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK_THAT(RefusalAt(directory / "pipe"), EndsWith("pipe: not a regular file"));
  fs::create_directory(directory / "folder");
  CHECK_THAT(RefusalAt(directory / "folder"), EndsWith("folder: not a regular file"));
  // Others fail for its directory.
  if (geteuid() == 0) CHECK_THAT(RefusalAt("/dev/null"), EndsWith("/dev/null: not a regular file"));
}

TEST_CASE("what is no name of a file is refused") {
  const TemporaryDirectory directory;
  for (const char* name : {"", "/", ".", "..", "folder/"}) {
    INFO(name);
    CHECK_THAT(RefusalAt(name), EndsWith("not the name of a file"));
  }
  CHECK_THAT(RefusalAt(std::string("a\0b", 3)), EndsWith("holds a NUL character"));
}

TEST_CASE("a directory that is not there is refused") {
  const TemporaryDirectory directory;
  PutContent(directory / "file", "");
  CHECK(RefusalAt(directory / "no/state") ==
        directory / "no/state" + ": its directory " + directory / "no" + ": No such file or directory");
  CHECK_THAT(RefusalAt(directory / "file/state"), ContainsSubstring("file/state: "));
}

TEST_CASE("of another user's files and directories none is used") {
  if (geteuid() != 0) return;  // only root can make them
  const TemporaryDirectory directory;
  constexpr uid_t kNobody = 65534;
  PutContent(directory / "theirs", "");
  REQUIRE(chown((directory / "theirs").c_str(), kNobody, kNobody) == 0);
  CHECK_THAT(RefusalAt(directory / "theirs"), EndsWith("theirs: belongs to another user"));

  fs::permissions(directory.path(), fs::perms(0755));
  fs::create_directory(directory / "open");
  fs::permissions(directory / "open", fs::perms(0777));
  PutContent(directory / "open/ours", "");
  PutContent(directory / "open/unreadable", "", 0);
  REQUIRE(chown((directory / "open/unreadable").c_str(), kNobody, kNobody) == 0);
  ChildProcess nobody([&] {
    if (setegid(kNobody) != 0 || seteuid(kNobody) != 0) return 1;
    const auto refused = [&](const std::string& path, const std::string& why) {
      const auto store = OpenFileStore(path);
      return store.code() == Code::kInvalidConfig && store.status().message().find(why) != std::string::npos;
    };
    if (!refused(directory / "state", "cannot be written to: Permission denied")) return 2;
    if (!refused(directory / "open/ours", "ours: cannot be opened: Permission denied")) return 3;
    if (!refused(directory / "open/unreadable", "unreadable: cannot be opened: Permission denied")) return 4;
    const auto store = OpenFileStore(directory / "open/new");
    return store.ok() && WriteTo(**store, {{"a", "1"}}).ok() ? 0 : 5;
  });
  CHECK(nobody.Wait() == 0);
}

TEST_CASE("a link to the file stays a link") {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "real");
  fs::create_symlink("real", directory / "folder");
  // One link to another, relative to where it lies, and in a directory that is a link itself.
  fs::create_symlink("second", directory / "first");
  fs::create_symlink("folder/state", directory / "second");
  SECTION("to a file that is there") {
    PutContent(directory / "real/state", "warppool-state 1\na eA==\n");
    CHECK(ValueOf(*Opened(directory / "first"), "a") == "x");
  }
  SECTION("to a file that is not there yet") {}
  const auto store = Opened(directory / "first");
  REQUIRE(WriteTo(*store, {{"a", "1"}}).ok());
  CHECK(fs::is_symlink(directory / "first"));
  CHECK(fs::is_symlink(directory / "second"));
  CHECK(ContentOf(directory / "real/state") == "warppool-state 1\na MQ==\n");
  CHECK(fs::exists(directory / "real/state.lock"));
}

TEST_CASE("links that lead nowhere are refused") {
  const TemporaryDirectory directory;
  fs::create_symlink("loop", directory / "loop");
  CHECK_THAT(RefusalAt(directory / "loop"), ContainsSubstring("loop: "));
  fs::create_symlink("no/state", directory / "dangling");
  CHECK_THAT(RefusalAt(directory / "dangling"), ContainsSubstring("No such file or directory"));
}

TEST_CASE("a link that comes in the place of the file is not followed") {
  const TemporaryDirectory directory;
  const auto store = Opened(directory / "state");
  PutContent(directory / "other", "warppool-state 1\na eA==\n");
  fs::create_symlink("other", directory / "state");
  CHECK_FALSE(store->Read("a").ok());
  CHECK_FALSE(WriteTo(*store, {{"a", "1"}}).ok());
  CHECK(ContentOf(directory / "other") == "warppool-state 1\na eA==\n");
}

TEST_CASE("the file stays where it was when the program goes to another directory") {
  const TemporaryDirectory directory;
  ChildProcess child([&] {
    if (chdir(directory.path().c_str()) != 0) return 1;
    const auto store = OpenFileStore("state");
    return store.ok() && chdir("/") == 0 && WriteTo(**store, {{"a", "1"}}).ok() ? 0 : 2;
  });
  CHECK(child.Wait() == 0);
  CHECK(ContentOf(directory / "state") == "warppool-state 1\na MQ==\n");
}

TEST_CASE("a file of something else is refused, and never overwritten") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  const auto store = Opened(path);
  REQUIRE(WriteTo(*store, {{"a", "1"}}).ok());
  const auto content =
      GENERATE(as<std::string>(), "WARP_REFRESH_TOKEN=fake-token\n", "\n", "warppool-state 2\na eA==\n");
  PutContent(path, content);
  CHECK_THAT(RefusalAt(path), ContainsSubstring(path) && ContainsSubstring("state file") && !ContainsSubstring("fake"));
  CHECK(store->Read("a").code() == Code::kInvalidConfig);
  CHECK(WriteTo(*store, {{"a", "2"}}).code() == Code::kInvalidConfig);
  CHECK(ContentOf(path) == content);
}

TEST_CASE("a file that is too large is refused, and none is made") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  FileStoreOptions options;
  options.most_bytes = 100;
  const auto store = OpenFileStoreWith(options, path, {});
  REQUIRE(store.ok());
  REQUIRE(WriteTo(**store, {{"a", std::string(40, 'x')}}).ok());
  const std::string before = ContentOf(path);
  CHECK(WriteTo(**store, {{"b", std::string(40, 'x')}}).code() == Code::kInvalidArgument);
  CHECK(ContentOf(path) == before);
  PutContent(path, before + std::string(100 - before.size(), '\n'));
  CHECK(OpenFileStoreWith(options, path, {}).ok());
  PutContent(path, before + std::string(101 - before.size(), '\n'));
  const auto refused = OpenFileStoreWith(options, path, {});
  CHECK_THAT(refused.status().message(), EndsWith("too large for a state file"));
}

TEST_CASE("damaged lines are kept, and the log hears of them once") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  PutContent(path, "warppool-state 1\na eA==\nfake-secret !\nb fake.secret\n");
  LogLines log;
  const auto store = OpenFileStoreWith({}, path, log.logger());
  REQUIRE(store.ok());
  const std::string warning =
      "WARNING " + path + ": 2 damaged or superseded line(s), the first is line 3; they are kept as they are\n";
  CHECK(log.text() == warning);
  REQUIRE(WriteTo(**store, {{"a", std::nullopt}, {"c", "1"}}).ok());
  REQUIRE(WriteTo(**store, {{"c", "2"}}).ok());
  CHECK(ContentOf(path) == "warppool-state 1\nfake-secret !\nb fake.secret\nc Mg==\n");
  CHECK(log.text() == warning);
  PutContent(path, "warppool-state 1\nother damage\n");
  CHECK(ValueOf(**store, "c") == "(none)");
  CHECK_THAT(log.text(), EndsWith("1 damaged or superseded line(s), the first is line 2; they are kept as they are\n"));
}

TEST_CASE("a file store refuses what is no key, and changes nothing then") {
  const TemporaryDirectory directory;
  const auto store = Opened(directory / "state");
  const auto key = GENERATE(from_range(BadKeys()));
  CHECK(store->Read(key).code() == Code::kInvalidArgument);
  CHECK(WriteTo(*store, {{"a", "1"}, {key, "1"}}).code() == Code::kInvalidArgument);
  CHECK(store->Commit({{"a", "1"}, {key, "1"}}, StateDurability::kProcess).code() == Code::kInvalidArgument);
  CHECK(WriteTo(*store, {}).ok());
  CHECK(fs::is_empty(directory.path()));
}

TEST_CASE("the longest key is one") {
  const TemporaryDirectory directory;
  const std::string key(200, 'k');
  REQUIRE(WriteTo(*Opened(directory / "state"), {{key, "1"}}).ok());
  CHECK(ValueOf(*Opened(directory / "state"), key) == "1");
}

}  // namespace
}  // namespace warppool::internal
