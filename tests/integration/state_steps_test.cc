// Two processes share a state file, and one of them is stopped, killed, held up or failed by its store at each step of
// an exchange, or at any moment: the other one goes on, and no account is lost, whether the service ends a refresh
// token that it replaced at once or lets it live on for a while.
//
// Nothing helps where the only copy of a credential dies with the process that had it: this is expected, and counted.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <thread>

#include "amount.h"
#include "child_program.h"
#include "loopback.h"
#include "unit/store/store_fixture.h"

namespace warppool::internal {
namespace {

using namespace std::chrono_literals;
using loopback::Endpoint;

// Guards against hanging. A process waits ten seconds for a token at most, and some time for its turn to run.
constexpr auto kStepPatience = 60s;
// As many pairs of processes at once. They wait most of the time.
constexpr int kPairsAtOnce = 14;
constexpr int kRoundsAfter = 3;

enum class StepTrouble { kContinue, kKill, kHang, kFail };

// One exchange, and what happens in it.
struct StepStory {
  int step = 0;  // 1: the lock is taken, 2: the answer is written; 0: the request has been sent; -1: at any moment
  std::string when = "before";
  StepTrouble trouble = StepTrouble::kContinue;
  bool has_grace = false;  // a refresh token that was replaced is taken twice more
  std::chrono::microseconds moment{};

  std::string Name() const {
    std::string name = step > 0 ? when + " step " + std::to_string(step) : "at the service";
    if (step < 0) name = "after " + std::to_string(moment.count()) + " us";
    static const std::map<StepTrouble, const char*> kTroubles = {{StepTrouble::kContinue, "stopped"},
                                                                 {StepTrouble::kKill, "killed"},
                                                                 {StepTrouble::kHang, "held up"},
                                                                 {StepTrouble::kFail, "failed by its store"}};
    return name + ", " + kTroubles.at(trouble) + (has_grace ? ", with grace" : "");
  }
  // The service has replaced the credential, and whoever knows the new one is dead.
  bool LosesTheOnlyCopy() const {
    const bool is_answered = step == 0 || (step == 2 && when == "before");
    return trouble == StepTrouble::kKill && is_answered && !has_grace;
  }
};

struct StepResult {
  std::string wrong{};  // what went wrong; empty: nothing
  bool is_lost = false;
};

// A service with one account, which gets another refresh token at each exchange.
class OneAccount {
 public:
  explicit OneAccount(bool has_grace) : has_grace_(has_grace) {
    service.AcceptAs(tokens_[0], "user");
    service.Decide([this](Endpoint endpoint, const std::string& token) { return Decide(endpoint, token); });
  }
  const std::string& first() const { return first_; }

  // `call` is called with the first exchange, before it is answered.
  void SetOnFirstExchange(std::function<void()> call) {
    const std::lock_guard<std::mutex> lock(mutex_);
    on_first_exchange_ = std::move(call);
  }

  // Whether each exchange that has come is answered.
  bool WaitUntilAnswered(std::chrono::milliseconds patience) const {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (service.Count("/proxy/token") < exchanges()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  // Those that were replaced are taken again.
  void BeginGrace() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!has_grace_) return;
    is_grace_ = true;
    for (const std::string& token : tokens_) service.AcceptAs(token, "user");
  }
  void EndGrace() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_grace_ = false;
  }
  int exchanges() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return exchanges_;
  }

 private:
  std::optional<loopback::Behaviour> Decide(Endpoint endpoint, const std::string& token) {
    if (endpoint != Endpoint::kExchange) return std::nullopt;
    std::unique_lock<std::mutex> lock(mutex_);
    ++exchanges_;
    if (exchanges_ == 1 && on_first_exchange_) {
      const auto call = on_first_exchange_;
      lock.unlock();
      call();
      lock.lock();
    }
    const bool is_old = token != tokens_.back();
    if (is_old && (!is_grace_ || ++uses_[token] > 2)) return loopback::Dead("TOKEN_EXPIRED");
    tokens_.push_back("fake-account-" + std::to_string(tokens_.size()));
    return loopback::Ok().RotateTo(tokens_.back());
  }

  const bool has_grace_;
  mutable std::mutex mutex_;
  std::function<void()> on_first_exchange_;
  const std::string first_ = "fake-account-0";
  std::vector<std::string> tokens_{first_};  // the last one is the present one
  std::map<std::string, int> uses_;          // after they were replaced
  bool is_grace_ = false;
  int exchanges_ = 0;

 public:
  loopback::Service service;  // the last: its threads ask the rest
};

class StepRun {
 public:
  explicit StepRun(const StepStory& story) : story_(story), account_(story.has_grace) {}

  StepResult Run() {
    result_.wrong = Tell();
    if (!result_.wrong.empty()) result_.wrong = story_.Name() + ": " + result_.wrong + Logs();
    return result_;
  }

 private:
  std::vector<std::string> Arguments() const {
    return {WARPPOOL_STATE_STEPPER, account_.service.url(), directory_ / "state", account_.first()};
  }
  // A process without its store cannot tell the other one what it got, until the store is back.
  static bool IsServedInTheEnd(ChildProgram* process) {
    const auto until = std::chrono::steady_clock::now() + kStepPatience;
    while (Ask(process) != "ok") {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(100ms);
    }
    return true;
  }
  // What the two have to say of it.
  std::string Logs() const {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "")) {
      if (entry.path().extension() != ".log") continue;
      std::ifstream log(entry.path());
      all += "\n" + entry.path().filename().string() + "\n";
      all.append(std::istreambuf_iterator<char>(log), {});
    }
    return all;
  }
  static std::string Ask(ChildProgram* process) {
    process->Say("ask");
    return process->Hear(kStepPatience).value_or("nothing");
  }

  std::string Tell() {
    std::vector<std::string> arguments = Arguments();
    const bool hangs = story_.trouble == StepTrouble::kHang;
    const bool goes_on = hangs || story_.trouble == StepTrouble::kFail;
    if (story_.step > 0) {
      for (const std::string& word : {std::to_string(story_.step), story_.when,
                                      std::string(hangs     ? "hang"
                                                  : goes_on ? "fail"
                                                            : "stop")}) {
        arguments.push_back(word);
      }
    }
    ChildProgram victim(arguments);
    if (story_.step == 0) {
      account_.SetOnFirstExchange([&] {
        victim.Stop();
        victim.WaitUntilStopped(kStepPatience);
      });
    }
    if (victim.Hear(kStepPatience) != "ready") return "it did not begin";
    if (goes_on) {
      const std::string said = Ask(&victim);
      if (said != "ok") return "whose store was of no use said " + said;
    } else {
      victim.Say("ask");
      if (story_.step < 0) {
        std::this_thread::sleep_for(story_.moment);
        victim.Stop();
      }
      if (!victim.WaitUntilStopped(kStepPatience)) return "it did not stop";
      if (!account_.WaitUntilAnswered(kStepPatience)) return "the service did not answer";
      account_.BeginGrace();
    }

    ChildProgram other(Arguments());
    if (other.Hear(kStepPatience) != "ready") return "the other one did not begin";
    // As long as the only copy is in the hands of one who is stopped, the other one has to be told that it waits.
    const std::string meanwhile = Ask(&other);
    if (goes_on && meanwhile != "ok" && !IsServedInTheEnd(&other)) return "the other one said " + meanwhile;
    account_.EndGrace();
    if (story_.trouble == StepTrouble::kKill) {
      victim.Kill();
      victim.Wait(kStepPatience);
      if (meanwhile != "ok") {
        result_.is_lost = true;
        return story_.LosesTheOnlyCopy() ? "" : "the other one said " + meanwhile;
      }
    } else if (!goes_on) {
      victim.Continue();
      const std::string said = victim.Hear(kStepPatience).value_or("nothing");
      // Its own time may have been over while it stood; and when it stood in a write, the other one went on without its
      // store, and may have to bring it what it got first.
      if (said != "ok" && !IsServedInTheEnd(&victim)) return "it said " + said;
    }
    return GoOn(story_.trouble == StepTrouble::kKill ? nullptr : &victim, &other);
  }

  // Each time that the JWTs have ended both are served, and one of them makes an exchange.
  std::string GoOn(ChildProgram* victim, ChildProgram* other) {
    for (int round = 0; round < kRoundsAfter; ++round) {
      account_.service.ExpireJwts();
      const int before = account_.exchanges();
      for (ChildProgram* process : {other, victim}) {
        if (process == nullptr) continue;
        const std::string said = Ask(process);
        if (said == "ok") continue;
        result_.is_lost = true;
        return (process == victim ? "then it said " : "then the other one said ") + said;
      }
      // The first time one of them may have to find out what became of the other's.
      const int made = account_.exchanges() - before;
      if (made < 1 || (made > 1 && round > 0)) return std::to_string(made) + " exchanges for one";
    }
    for (ChildProgram* process : {other, victim}) {
      if (process == nullptr) continue;
      process->EndInput();
      if (process->Wait(kStepPatience) != 0) return "it did not end well";
    }
    return "";
  }

  const StepStory story_;
  const TemporaryDirectory directory_;
  OneAccount account_;
  StepResult result_;
};

// Some at once; in the order of the stories.
std::vector<StepResult> RunAll(const std::vector<StepStory>& stories) {
  std::vector<StepResult> results(stories.size());
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kPairsAtOnce; ++i) {
    threads.emplace_back([&] {
      for (std::size_t story = next++; story < stories.size(); story = next++) {
        results[story] = StepRun(stories[story]).Run();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace

TEST_CASE(
    "a process that is stopped, killed, held up or failed by its store at a step of an exchange loses no account") {
  std::vector<StepStory> stories;
  for (const bool has_grace : {false, true}) {
    for (const StepTrouble trouble :
         {StepTrouble::kContinue, StepTrouble::kKill, StepTrouble::kHang, StepTrouble::kFail}) {
      for (int step = 0; step <= 2; ++step) {
        for (const char* when : {"before", "after"}) {
          if (step == 0 && (trouble == StepTrouble::kHang || trouble == StepTrouble::kFail || when[0] == 'a')) continue;
          stories.push_back({step, when, trouble, has_grace});
        }
      }
    }
  }
  const std::vector<StepResult> results = RunAll(stories);
  for (std::size_t i = 0; i < stories.size(); ++i) {
    CHECK(results[i].wrong == "");
    INFO(stories[i].Name());
    CHECK(results[i].is_lost == stories[i].LosesTheOnlyCopy());
  }
}

TEST_CASE("processes that are stopped at any moment of their exchanges lose no account") {
  const int stops = AmountFrom("WARPPOOL_STATE_STOPS", kSanitized ? 7 : 28);
  std::mt19937 random(7);
  std::vector<StepStory> stories;
  for (int i = 0; i < stops; ++i) {
    // An exchange takes a few milliseconds, and ten times as long under a sanitizer.
    const std::chrono::microseconds moment(random() % (kSanitized ? 100'000 : 10'000));
    stories.push_back({-1, "", StepTrouble::kContinue, i % 2 == 1, moment});
  }
  int lost = 0;
  for (const StepResult& result : RunAll(stories)) {
    CHECK(result.wrong == "");
    lost += result.is_lost ? 1 : 0;
  }
  CHECK(lost == 0);
}

}  // namespace warppool::internal
