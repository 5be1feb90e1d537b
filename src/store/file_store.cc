#include "store/file_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/guarded.h"
#include "base/mutex.h"
#include "platform/file_lock.h"
#include "platform/replace_file.h"
#include "store/record_key.h"
#include "store/state_file.h"
#include "store/state_path.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;

// At most, for a lock that others have while the store is opened: they write, so that it can be written.
constexpr milliseconds kPatienceAtFirst{1'000};

class FileStore final : public StateStore {
 public:
  FileStore(const FileStoreOptions& options, StatePath path, Logger log)
      : options_(options), path_(std::move(path)), lock_path_(path_.file + ".lock"), log_(std::move(log)) {}

  // What it needs of the file to be of use.
  Status Check() EXCLUDES(mutex_, write_mutex_);

  Result<std::optional<std::string>> Read(const std::string& key) override EXCLUDES(mutex_);
  Status Write(const std::vector<StateChange>& changes, StateDurability durability) override EXCLUDES(mutex_) {
    return Change(changes, durability, false).status();
  }
  Result<bool> Commit(const std::vector<StateChange>& changes, StateDurability durability) override EXCLUDES(mutex_) {
    return Change(changes, durability, true);
  }
  bool IsForManyProcesses() const override { return true; }

 private:
  using Content = std::shared_ptr<const StateFile>;

  Content Cached() EXCLUDES(mutex_);
  Result<Content> Load(std::string* text = nullptr) EXCLUDES(mutex_);
  void Remember(const Content& content, FileIdentity identity) EXCLUDES(mutex_);
  bool IsMissing() EXCLUDES(mutex_);  // when it was read last
  Status ReplaceByItself() REQUIRES(write_mutex_) EXCLUDES(mutex_);
  Result<bool> Change(const std::vector<StateChange>& changes, StateDurability durability, bool compares)
      EXCLUDES(mutex_, write_mutex_);
  Result<bool> Replace(const std::vector<StateChange>& changes, StateDurability durability, bool compares)
      REQUIRES(write_mutex_) EXCLUDES(mutex_);

  const FileStoreOptions options_;
  const StatePath path_;
  const std::string lock_path_;
  const Logger log_;

  Mutex write_mutex_;  // one write at a time; taken before mutex_
  Mutex mutex_;
  Content content_ GUARDED_BY(mutex_);  // null: not read yet
  FileIdentity identity_ GUARDED_BY(mutex_);
  std::vector<std::string> reported_ GUARDED_BY(mutex_);  // the damaged lines that the log has heard of
};

// The content, if it is known and the file has not been replaced since; else null.
FileStore::Content FileStore::Cached() {
  FileInfo info;
  const bool is_there = options_.system->Stat(path_.file.c_str(), &info) == 0;
  const bool is_missing = !is_there && errno == ENOENT;
  MutexLock lock(&mutex_);
  const bool is_same = is_there ? identity_.IsOf(info) : is_missing && identity_.IsOfNone();
  return is_same ? content_ : nullptr;
}

// `text`: as it stands in the file.
Result<FileStore::Content> FileStore::Load(std::string* text) {
  auto read = ReadPrivateFile(options_.system, path_.file, options_.most_bytes);
  if (!read.ok()) return read.status();
  auto parsed = StateFile::Parse(read->text);
  if (!parsed.ok()) return Status(parsed.code(), fmt::format("{}: {}", path_.file, parsed.status().message()));
  auto content = std::make_shared<const StateFile>(*std::move(parsed));
  if (text != nullptr) *text = std::move(read->text);
  Remember(content, std::move(read->identity));
  return Content(content);
}

// Whether a file can be replaced shows only when it is done: it is replaced by itself. Where there is none yet, it is
// its directory that says so, and that has been looked at.
Status FileStore::Check() {
  if (auto loaded = Load(); !loaded.ok()) return loaded.status();
  if (IsMissing()) return {};
  MutexLock lock(&write_mutex_);
  auto others_out =
      FileLock::Take(options_.system, lock_path_, std::min(options_.patience, kPatienceAtFirst), options_.lock_kind);
  if (!others_out.ok()) return others_out.status();
  if (!*others_out) return {};
  Status status = ReplaceByItself();
  (*others_out)->Unlock();
  // A full disk is no reason to go without what was kept.
  return status.retryable() ? Status() : status;
}

Status FileStore::ReplaceByItself() {
  std::string text;
  auto loaded = Load(&text);
  if (!loaded.ok()) return loaded.status();
  if (IsMissing()) return {};
  return ReplaceFile(options_.system, path_.directory, path_.file, text, false).status();
}

bool FileStore::IsMissing() {
  MutexLock lock(&mutex_);
  return identity_.IsOfNone();
}

void FileStore::Remember(const Content& content, FileIdentity identity) {
  const std::vector<std::string>& damaged = content->damaged();
  const std::size_t line = content->first_damaged_line();
  bool is_news = false;
  {
    MutexLock lock(&mutex_);
    content_ = content;
    identity_ = std::move(identity);
    is_news = !damaged.empty() && damaged != reported_;
    if (is_news) reported_ = damaged;
  }
  if (is_news) {
    log_.Warning("{}: {} damaged or superseded line(s), the first is line {}; they are kept as they are", path_.file,
                 damaged.size(), line);
  }
}

Result<std::optional<std::string>> FileStore::Read(const std::string& key) {
  return Guarded([&]() -> Result<std::optional<std::string>> {
    if (Status status = CheckRecordKey(key); !status.ok()) return status;
    Content content = Cached();
    if (content == nullptr) {
      auto loaded = Load();
      if (!loaded.ok()) return loaded.status();
      content = *std::move(loaded);
    }
    const std::string* const value = content->Find(key);
    return value == nullptr ? std::optional<std::string>() : std::optional<std::string>(*value);
  });
}

Result<bool> FileStore::Change(const std::vector<StateChange>& changes, StateDurability durability, bool compares) {
  return Guarded([&]() -> Result<bool> {
    for (const StateChange& change : changes) {
      if (Status status = CheckRecordKey(change.key); !status.ok()) return status;
    }
    if (changes.empty()) return true;
    MutexLock lock(&write_mutex_);
    auto others_out = FileLock::Take(options_.system, lock_path_, options_.patience, options_.lock_kind);
    if (!others_out.ok()) return others_out.status();
    if (!*others_out) {
      return Status(Error{.code = Code::kTimeout,
                          .message = fmt::format("{}: another process or client has held it for {} ms", lock_path_,
                                                 options_.patience.count()),
                          .retryable = true});
    }
    auto replaced = Replace(changes, durability, compares);
    (*others_out)->Unlock();
    return replaced;
  });
}

Result<bool> FileStore::Replace(const std::vector<StateChange>& changes, StateDurability durability, bool compares) {
  // Read anew, whatever is known: only what open() shows is sure to be the last state, on a network file system, too.
  auto loaded = Load();
  if (!loaded.ok()) return loaded.status();
  const auto is_as_before = [&](const StateChange& change) {
    const std::string* const present = (*loaded)->Find(change.key);
    return present == nullptr ? !change.before : change.before && *change.before == *present;
  };
  if (compares && !std::all_of(changes.begin(), changes.end(), is_as_before)) return false;
  auto next = std::make_shared<StateFile>(**loaded);
  for (const StateChange& change : changes) next->Apply(change);
  const std::string text = next->Text();
  if (text.size() > options_.most_bytes) {
    return Status(Code::kInvalidArgument, fmt::format("{}: would be over {} bytes", path_.file, options_.most_bytes));
  }
  auto identity =
      ReplaceFile(options_.system, path_.directory, path_.file, text, durability == StateDurability::kPowerLoss);
  if (!identity.ok()) return identity.status();
  Remember(next, *std::move(identity));
  return true;
}

}  // namespace

Result<std::shared_ptr<StateStore>> OpenFileStoreWith(const FileStoreOptions& options, const std::string& path,
                                                      Logger log) {
  return Guarded([&]() -> Result<std::shared_ptr<StateStore>> {
    auto resolved = ResolveStatePath(path);
    if (!resolved.ok()) return resolved.status();
    auto store = std::make_shared<FileStore>(options, *std::move(resolved), std::move(log));
    Status status = store->Check();
    // What cannot be read now is a matter of the configuration.
    if (status.code() == Code::kInternal) return Status(Code::kInvalidConfig, status.message());
    if (!status.ok()) return status;
    return std::shared_ptr<StateStore>(std::move(store));
  });
}

}  // namespace warppool::internal

namespace warppool {

Result<std::shared_ptr<StateStore>> OpenFileStore(const std::string& path, LogSink log) {
  return internal::Guarded([&] { return internal::OpenFileStoreWith({}, path, internal::Logger(std::move(log))); });
}

}  // namespace warppool
