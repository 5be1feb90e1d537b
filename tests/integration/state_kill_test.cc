// A process that writes to a state file is killed, again and again, at moments that fall anywhere in its writes: the
// file has the last state that was confirmed, or the next one; never neither, never a half.
//
// Each failure names the seed; WARPPOOL_KILL_SEED=<seed> deals the same delays again.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "amount.h"
#include "catch.h"
#include "warppool/state_store.h"

namespace warppool {
namespace {

using SteadyClock = std::chrono::steady_clock;

const int kKills = AmountFrom("WARPPOOL_STATE_KILLS", kSanitized ? 100 : 500);

// A running state_writer.
class Writer {
 public:
  explicit Writer(const std::string& path) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execl(WARPPOOL_STATE_WRITER, WARPPOOL_STATE_WRITER, path.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    confirmations_ = ends[0];
    REQUIRE(pid_ > 0);
  }
  ~Writer() {
    Kill();
    close(confirmations_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The next serial that is confirmed; nothing when the writer is gone.
  std::optional<std::uint64_t> Next() {
    std::uint64_t serial = 0;
    ssize_t got = 0;
    do {
      got = read(confirmations_, &serial, sizeof serial);
    } while (got < 0 && errno == EINTR);
    if (got != sizeof serial) return std::nullopt;
    return serial;
  }
  // Whether it ran until then.
  bool Kill() {
    if (pid_ <= 0) return true;
    kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  pid_t pid_ = 0;
  int confirmations_ = -1;
};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char path[] = "/tmp/warppool-kill-test-XXXXXX";
    REQUIRE(mkdtemp(path) != nullptr);
    path_ = path;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::uint32_t Seed() {
  const char* const given = std::getenv("WARPPOOL_KILL_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device()();
}

// The serial that both keys have.
std::uint64_t SerialIn(const std::string& path) {
  const auto store = OpenFileStore(path, [](const LogRecord& record) { FAIL_CHECK(record.message); });
  INFO(store.status().ToString());
  REQUIRE(store.ok());
  const auto a = (*store)->Read("a");
  const auto b = (*store)->Read("b");
  REQUIRE((a.ok() && b.ok()));
  REQUIRE((a->has_value() && b->has_value()));
  REQUIRE(**a == **b);
  const std::uint64_t serial = std::stoull(**a);
  REQUIRE((*a)->size() == std::to_string(serial).size() + 3'000 + serial % 4'000);
  return serial;
}

TEST_CASE("a writer that is killed at any moment leaves the last state that it confirmed, or the next one") {
  const std::uint32_t seed = Seed();
  INFO("WARPPOOL_KILL_SEED=" << seed);
  std::mt19937 random(seed);
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/state";

  std::uint64_t in_file = 0;
  int in_mid_write = 0;
  int made_unconfirmed = 0;
  SteadyClock::duration write_time{};  // of one write, as the last writer needed
  for (int i = 0; i < kKills; ++i) {
    INFO("kill " << i);
    Writer writer(path);
    auto confirmed = writer.Next();
    REQUIRE(confirmed == in_file + 1);  // it goes on where the one before was stopped
    const auto began = SteadyClock::now();
    confirmed = writer.Next();
    REQUIRE(confirmed == in_file + 2);
    write_time = SteadyClock::now() - began;

    // Anywhere in the next two writes.
    std::this_thread::sleep_for(write_time * 2 * (random() % 10'000) / 10'000);
    REQUIRE(writer.Kill());
    while (const auto more = writer.Next()) confirmed = more;

    if (std::filesystem::exists(path + ".tmp")) ++in_mid_write;
    in_file = SerialIn(path);
    REQUIRE((in_file == *confirmed || in_file == *confirmed + 1));
    if (in_file != *confirmed) ++made_unconfirmed;
  }
  WARN(kKills << " kills: " << in_mid_write << " before the rename of a write, " << made_unconfirmed
              << " between it and its confirmation");
  // A test whose kills all fall between two writes would prove nothing.
  CHECK(in_mid_write > 0);
}

}  // namespace
}  // namespace warppool
