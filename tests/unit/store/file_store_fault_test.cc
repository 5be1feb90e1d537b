// Whatever fails, and wherever the process is stopped: the file has the old content or the new one.

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "catch.h"
#include "store/file_store.h"
#include "unit/store/faulty_file_system.h"
#include "unit/store/store_fixture.h"

namespace warppool::internal {
namespace {

const std::string kOld(3'000, 'o');
const std::string kNew(4'000, 'n');

std::shared_ptr<StateStore> OpenedOn(FaultyFileSystem* system, const std::string& path) {
  FileStoreOptions options;
  options.system = system;
  auto store = OpenFileStoreWith(options, path, {});
  if (!store.ok()) throw std::runtime_error(store.status().ToString());
  return *std::move(store);
}

// Both records, through a store that nothing goes wrong with: "old", "new", or what should not be.
std::string StateOf(const std::string& path) {
  const auto store = OpenFileStore(path);
  if (!store.ok()) return store.status().ToString();
  const std::string a = ValueOf(**store, "a");
  const std::string b = ValueOf(**store, "b");
  if (a == kOld && b == kOld) return "old";
  if (a == kNew && b == kNew) return "new";
  return a + " " + b;
}

TEST_CASE("a write of which any call fails leaves the old content, and nothing else") {
  const int error = GENERATE(ENOSPC, EROFS, EIO);
  FaultyFileSystem system;
  std::set<std::string> failed;
  for (int index = 0;; ++index) {
    const TemporaryDirectory directory;
    const std::string path = directory / "state";
    const auto store = OpenedOn(&system, path);
    REQUIRE(WriteTo(*store, {{"a", kOld}, {"b", kOld}}).ok());
    system.FailAt(index, error);
    const Status status = WriteTo(*store, {{"a", kNew}, {"b", kNew}});
    if (!system.failed()) break;
    const std::string what = system.what();
    INFO("at call " << index << ", " << what << ": " << status.ToString());
    failed.insert(what.substr(0, what.find(" /")));
    if (status.ok()) {
      // Nobody needs to know that a file could not be closed, or unlocked before it was closed.
      CHECK((what == "close" || what == "unlock"));
      CHECK(StateOf(path) == "new");
    } else {
      CHECK(StateOf(path) == (what == "fsync of the directory" ? "new" : "old"));
      CHECK(status.code() == Code::kInternal);
      CHECK(status.retryable() == (error == ENOSPC));  // room may be made for it
      CHECK_THAT(status.message(), Catch::Matchers::StartsWith(directory.path()));
      CHECK_THAT(status.message(), Catch::Matchers::EndsWith(std::generic_category().message(error)));
    }
    CHECK(ValueOf(*store, "a") == (StateOf(path) == "new" ? kNew : kOld));
    CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
    // It is over, nothing is locked, and the next write succeeds.
    CHECK(WriteTo(*store, {{"a", kNew}, {"b", kNew}}).ok());
    CHECK(StateOf(path) == "new");
  }
  CHECK(failed == std::set<std::string>{"open", "fstat", "lock", "read", "unlink", "fchmod", "write", "fsync", "rename",
                                        "fsync of the directory", "unlock", "close"});
}

TEST_CASE("a directory that cannot be synchronised because its file system has no such thing is no failure") {
  const TemporaryDirectory directory;
  FaultyFileSystem system;
  const auto store = OpenedOn(&system, directory / "state");
  for (int index = 0;; ++index) {
    system.FailAt(index, EINVAL);
    const Status status = WriteTo(*store, {{"a", kNew}, {"b", kNew}});
    if (system.what() == "fsync of the directory") {
      CHECK(status.ok());
      return;
    }
    REQUIRE(system.failed());
  }
}

TEST_CASE("signals interrupt nothing") {
  FaultyFileSystem system;
  for (int index = 0;; ++index) {
    const TemporaryDirectory directory;
    const auto store = OpenedOn(&system, directory / "state");
    system.FailAt(index, EINTR);
    const Status status = WriteTo(*store, {{"a", kNew}, {"b", kNew}});
    if (!system.failed()) break;
    INFO("at call " << index << ", " << system.what());
    // No signal interrupts these.
    if (system.what() == "fstat" || system.what() == "rename" || system.what().compare(0, 6, "unlink") == 0) continue;
    CHECK(status.ToString() == "ok");
    CHECK(StateOf(directory / "state") == "new");
  }
}

TEST_CASE("reads and writes that come in pieces are put together") {
  const TemporaryDirectory directory;
  FaultyFileSystem system;
  system.WriteAtMost(7);
  const auto store = OpenedOn(&system, directory / "state");
  REQUIRE(WriteTo(*store, {{"a", kNew}, {"b", kNew}}).ok());
  CHECK(StateOf(directory / "state") == "new");
  CHECK(ValueOf(*OpenedOn(&system, directory / "state"), "b") == kNew);
}

TEST_CASE("a read of which any call fails is an error, and says why") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  FaultyFileSystem system;
  REQUIRE(WriteTo(*OpenedOn(&system, path), {{"a", kOld}, {"b", kOld}}).ok());
  const auto store = OpenedOn(&system, path);
  for (int index = 0;; ++index) {
    REQUIRE(WriteTo(*OpenedOn(&system, path), {{"c", std::to_string(index)}}).ok());  // so that it is read again
    system.FailAt(index, EIO);
    const auto value = store->Read("a");
    if (!system.failed()) break;
    INFO("at call " << index << ", " << system.what());
    if (value.ok()) {
      CHECK(*value == kOld);
      CHECK((system.what() == "close" || system.what() == "stat " + path));
    } else {
      CHECK(value.code() == Code::kInternal);
      CHECK_THAT(value.status().message(), Catch::Matchers::EndsWith("Input/output error"));
    }
    CHECK(ValueOf(*store, "a") == kOld);
  }
}

TEST_CASE("opening fails where the file cannot be read or replaced, and that is the configuration's matter") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  FaultyFileSystem system;
  REQUIRE(WriteTo(*OpenedOn(&system, path), {{"a", kOld}, {"b", kOld}}).ok());
  FileStoreOptions options;
  options.system = &system;
  std::set<std::string> failed;
  for (int index = 0;; ++index) {
    system.FailAt(index, EIO);
    const auto store = OpenFileStoreWith(options, path, {});
    if (!system.failed()) break;
    INFO("at call " << index << ", " << system.what());
    CHECK(StateOf(path) == "old");
    CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
    if (system.what() == "close" || system.what() == "unlock") {
      CHECK(store.ok());
      continue;
    }
    CHECK(store.code() == Code::kInvalidConfig);
    CHECK_THAT(store.status().message(),
               Catch::Matchers::StartsWith(directory.path()) && Catch::Matchers::EndsWith("Input/output error"));
    failed.insert(system.what().substr(0, system.what().find(" /")));
  }
  CHECK(failed ==
        std::set<std::string>{"open", "fstat", "lock", "read", "unlink", "fchmod", "write", "fsync", "rename"});
}

// The calls of one write.
std::vector<std::string> CallsOf(StateDurability durability) {
  const TemporaryDirectory directory;
  FaultyFileSystem system;
  const auto store = OpenedOn(&system, directory / "state");
  REQUIRE(WriteTo(*store, {{"a", kOld}}).ok());
  system.FailNowhere();
  REQUIRE(store->Commit({{"a", kNew, kOld}}, durability).ok());
  return system.names();
}

TEST_CASE("what need not outlive a loss of power does without the fsync of the directory, and without nothing else") {
  std::vector<std::string> calls = CallsOf(StateDurability::kPowerLoss);
  const auto left_out = std::find(calls.begin(), calls.end(), "fsync of the directory");
  REQUIRE(left_out != calls.end());
  calls.erase(left_out);
  CHECK(calls == CallsOf(StateDurability::kProcess));
}

TEST_CASE("a file that can be read and not be replaced, since it is mounted by itself, is refused when it is opened") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  FaultyFileSystem system;
  FileStoreOptions options;
  options.system = &system;
  const std::string why = path +
                          ": cannot be replaced, and nothing would be kept: it is mounted by itself, as a single file; "
                          "mount the directory that it is in";
  const auto content = GENERATE(as<std::string>(), "", "warppool-state 1\nno record\na eA==\nb eA==");
  PutContent(path, content);
  system.FailAlways("rename", EBUSY);
  CHECK(OpenFileStoreWith(options, path, {}).status().ToString() == "invalid_config: " + why);
  CHECK(ContentOf(path) == content);
  CHECK_FALSE(std::filesystem::exists(path + ".tmp"));

  system.FailAlways("", 0);
  const auto store = OpenedOn(&system, path);
  CHECK(ContentOf(path) == content);  // as it stands, for it is nobody's to tidy up
  system.FailAlways("rename", EBUSY);
  CHECK(WriteTo(*store, {{"a", "1"}}).ToString() == "invalid_config: " + why);
  CHECK(ContentOf(path) == content);
}

TEST_CASE("a file that is removed while a store that opens waits for others is not made anew") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  FaultyFileSystem system;
  REQUIRE(WriteTo(*OpenedOn(&system, path), {{"a", kOld}}).ok());
  system.BeforeLocking([&] { std::filesystem::remove(path); });
  CHECK(ValueOf(*OpenedOn(&system, path), "a") == "(none)");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("on a full disk a store opens, and has what it had; it writes again when there is room") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  FaultyFileSystem system;
  REQUIRE(WriteTo(*OpenedOn(&system, path), {{"a", kOld}, {"b", kOld}}).ok());
  system.FailAlways(GENERATE("write", "fsync"), GENERATE(ENOSPC, EDQUOT));
  const auto store = OpenedOn(&system, path);
  CHECK(ValueOf(*store, "a") == kOld);
  const Status status = WriteTo(*store, {{"a", kNew}, {"b", kNew}});
  CHECK(status.code() == Code::kInternal);
  CHECK_THAT(status.message(), Catch::Matchers::StartsWith(path + ": stays as it was, since its successor cannot be "));
  CHECK(StateOf(path) == "old");
  system.FailAlways("", 0);
  CHECK(WriteTo(*store, {{"a", kNew}, {"b", kNew}}).ok());
  CHECK(StateOf(path) == "new");
}

TEST_CASE(
    "a process that is killed before any call, or in the middle of a write, leaves the old content or the new one") {
  int kills = 0;
  std::string last = "old";
  for (int index = 0;; ++index) {
    const TemporaryDirectory directory;
    const std::string path = directory / "state";
    FaultyFileSystem system;
    REQUIRE(WriteTo(*OpenedOn(&system, path), {{"a", kOld}, {"b", kOld}}).ok());
    ChildProcess writer([&] {
      const auto store = OpenedOn(&system, path);
      system.KillAt(index);
      return WriteTo(*store, {{"a", kNew}, {"b", kNew}}).ok() ? 0 : 1;
    });
    if (writer.Wait() == 0) break;
    ++kills;
    INFO("before call " << index);
    const std::string state = StateOf(path);
    // Once it is there it is there to stay.
    CHECK((state == "new" || (state == "old" && last == "old")));
    last = state;
    // The next process goes on at once: the lock and the temporary file are in nobody's way.
    CHECK(WriteTo(*OpenedOn(&system, path), {{"a", kNew}, {"b", kNew}}).ok());
    CHECK(StateOf(path) == "new");
  }
  CHECK(last == "new");
  CHECK(kills > 10);
}

}  // namespace
}  // namespace warppool::internal
