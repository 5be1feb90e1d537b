// A process ends while a client lives, in every way and order: it does not crash, it does not hang, and what it knew is
// in its state file.
//
// WARPPOOL_ENDINGS=<how many>: they take the combinations below in turn. WARPPOOL_ENDING_UNDER: see Under().

#include <chrono>
#include <cstdlib>
#include <list>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "amount.h"
#include "catch.h"
#include "integration/state_fixture.h"
#include "process/child.h"

namespace warppool::internal {
namespace {

const auto kAtOnce = static_cast<std::size_t>(AmountFrom("WARPPOOL_ENDINGS_AT_ONCE", 6));

struct Ending {
  std::string name;
  bool tls;
  bool store;
  // In the log line of the exchange nothing has been counted yet.
  bool saves_counters() const {
    return name.find("/_exit") == std::string::npos && name.find("/in-log") == std::string::npos;
  }
};

// The program would have to wait for itself, or uses what it has destroyed.
bool MakesNoSense(const std::string& holder, const std::string& work, const std::string& end) {
  const bool in_callback = end == "in-callback" || end == "in-log";
  const bool waits = holder == "destroyed" || holder == "atexit-after";
  if (work == "blocked" && (waits || holder == "tidy")) return true;
  if (work == "busy" && holder != "leaked") return true;
  if (holder == "tidy" && (work == "idle" || in_callback)) return true;
  if (end == "in-callback" && work != "pushed" && work != "blocked") return true;
  if (in_callback && holder == "destroyed") return true;
  return end == "in-log" && work != "idle";
}

std::vector<Ending> AllEndings() {
  std::vector<Ending> endings;
  for (const std::string holder :
       {"leaked", "static", "atexit-before", "atexit-after", "destroyed", "used-after", "tidy"}) {
    for (const std::string work : {"idle", "pushed", "blocked", "pulling", "busy"}) {
      for (const std::string end : {"return", "exit", "thread", "in-callback", "in-log", "quick", "_exit"}) {
        if (MakesNoSense(holder, work, end)) continue;
        endings.push_back({holder + "/" + work + "/" + end, true, true});
      }
    }
  }
  // One in four without TLS, one in four without a store.
  for (std::size_t i = 0; i < endings.size(); ++i) {
    endings[i].tls = i % 4 != 1;
    endings[i].store = i % 4 != 2;
  }
  return endings;
}

class Endings {
 public:
  Endings() : tls_(loopback::Options{.tls = true}) {}

  void Begin(const Ending& ending, int number) {
    Running running{ending, number, "fake-token-" + std::to_string(number), "", nullptr};
    running.state_file = ending.store ? directory_.path() + "/state-" + std::to_string(number) : "-";
    loopback::Service& service = ending.tls ? tls_ : plain_;
    service.On(running.token)
        .Exchange(loopback::Ok().RotateTo(running.token + "-rotated"))
        .Agent(loopback::Ok().Text(std::string(2000, 'x')).Chunks(1000).Gap(std::chrono::milliseconds(5)));
    std::vector<std::string> arguments = Under();
    const std::string authority = ending.tls ? service.ca_file() : "-";
    arguments.insert(arguments.end(),
                     {WARPPOOL_ENDING, ending.name, service.url(), authority, running.token, running.state_file});
    running.child = std::make_unique<Child>(std::move(arguments));
    running_.push_back(std::move(running));
  }

  std::size_t running() const { return running_.size(); }

  void AwaitFirst() {
    const Running first = std::move(running_.front());
    running_.pop_front();
    INFO("ending " << first.number << ": " << first.ending.name << (first.ending.tls ? ", TLS" : "")
                   << (first.ending.store ? ", state file" : ""));
    CHECK(first.child->Wait() == "exit 42");
    CHECK(first.child->output() == "");
    if (first.ending.store) CheckState(first);
  }

 private:
  struct Running {
    Ending ending;
    int number;
    std::string token;
    std::string state_file;
    std::unique_ptr<Child> child;
  };

  // WARPPOOL_ENDING_UNDER: a program that the programs run under, and its arguments, each in a line.
  static std::vector<std::string> Under() {
    std::vector<std::string> words;
    const char* const given = std::getenv("WARPPOOL_ENDING_UNDER");
    std::istringstream lines(given == nullptr ? "" : given);
    for (std::string line; std::getline(lines, line);) words.push_back(line);
    return words;
  }

  static void CheckState(const Running& ended) {
    auto store = OpenFileStore(ended.state_file, {});
    REQUIRE(store.ok());
    const auto sealed = (*store)->Read(RecordKey(Secret(ended.token)));
    REQUIRE(sealed.ok());
    REQUIRE(sealed->has_value());
    const auto record = OpenRecord(**sealed, Secret(ended.token));
    REQUIRE(record.ok());
    CHECK(record->token.credential.Reveal() == ended.token + "-rotated");
    // memcheck is too slow to say what is saved in time.
    if (!Under().empty()) return;
    // Counters are gathered for longer than these processes live: they are saved at the end, or never.
    if (ended.ending.saves_counters()) CHECK(record->token.counters.requests > 0);
  }

  TemporaryDirectory directory_;
  loopback::Service plain_;
  loopback::Service tls_;
  std::list<Running> running_;
};

}  // namespace

TEST_CASE("a process that ends in any way while a client lives neither crashes nor hangs, and its state is saved") {
  const int count = AmountFrom("WARPPOOL_ENDINGS", kSanitized ? 50 : 200);
  const std::vector<Ending> all = AllEndings();
  Endings endings;
  for (int i = 0; i < count; ++i) {
    // By a stride that meets all of them, and each with every mix of TLS and store in the end.
    const std::size_t turn = static_cast<std::size_t>(i) / all.size();
    Ending ending = all[static_cast<std::size_t>(i) * 37 % all.size()];
    if (turn % 2 == 1) ending.tls = !ending.tls;
    if (turn % 4 >= 2) ending.store = !ending.store;
    endings.Begin(ending, i);
    if (endings.running() == kAtOnce) endings.AwaitFirst();
  }
  while (endings.running() > 0) endings.AwaitFirst();
}

}  // namespace warppool::internal
