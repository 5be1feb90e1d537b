// A long storm: WARPPOOL_SOAK_REQUESTS (40,000; sanitized 8,000) requests of eight threads over twenty tokens, while
// the service does by chance whatever can go wrong before the first action. No request fails that a token could have
// served, nobody is blamed for what he did not do, and nothing grows.
//
// Each failure names the seed; WARPPOOL_SOAK_SEED=<seed> deals the same cards again (threads still take their turns as
// they like).

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

#include "amount.h"
#include "fixture.h"
#include "soak_cast.h"
#include "soak_clock.h"
#include "soak_crew.h"
#include "soak_hours.h"
#include "soak_referee.h"
#include "soak_script.h"

namespace warppool {
namespace {

using soak::SteadyClock;

constexpr int kThreads = 8;
constexpr std::size_t kAtATime = 3;  // for each thread: enough to need the last tier

constexpr auto kSilence = kSanitized ? 5s : 2s;
constexpr auto kRefreshTimeout = kSanitized ? 8s : 4s;

const int kRequests = AmountFrom("WARPPOOL_SOAK_REQUESTS", kSanitized ? 8'000 : 40'000);

// With fewer requests not every card is played.
constexpr int kEnough = 50'000;

// From a fifth of the storm to its end, if by then each thread of the service has had its turn with the allocator. More
// would be 50 bytes a request.
constexpr int kWarmUp = 20'000;                           // requests
constexpr std::chrono::milliseconds kQuotaCooling{1000};  // well above what the referee tolerates
constexpr long kMostGrowth = 4L << 10;                    // KiB

std::uint32_t Seed() {
  const char* const given = std::getenv("WARPPOOL_SOAK_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device()();
}

long ResidentKilobytes() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.compare(0, 6, "VmRSS:") == 0) return std::stol(line.substr(6));
  }
  return 0;
}

long OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

Config ConfigForStorm(const loopback::Service& service) {
  Config config = ConfigFor(service, {});
  for (std::size_t i = 0; i < soak::kTokens; ++i) {
    TokenConfig token;
    token.credential = Secret(soak::CredentialOf(i, 0));
    token.tier = soak::kCast[i].tier;
    token.name = soak::NameOf(i);
    if (soak::kCast[i].api_key) token.kind = CredentialKind::kApiKey;
    config.tokens.push_back(std::move(token));
  }
  config.max_in_flight = soak::kMaxInFlight;
  config.max_event_bytes = soak::kMaxEventBytes;
  config.recovery_delay = 20ms;
  config.recovery_max_delay = 200ms;
  config.silence_timeout = kSilence;
  // The waits outlast an outage, and no jump of a clock ends the patience of who waits.
  config.retry_base_delay = 250ms;
  config.retry_max_delay = 4s;
  config.max_token_wait = std::chrono::hours(500);
  config.refresh_timeout = kRefreshTimeout;
  config.quota_cooling = kQuotaCooling;
  return config;
}

// A service, its client, and who watches them.
class Storm {
 public:
  Storm(std::uint32_t seed, int requests)
      : service_({.threads = 160, .keep_requests = false}),
        script_(&service_, &clock_, seed, requests),
        referee_(&script_, &clock_, {.max_failures = Config().max_failures, .quota_cooling = kQuotaCooling}),
        requests_(requests) {
    auto client = soak::ClientImpl::Create(ConfigForStorm(service_),
                                           {[this](const LogRecord& record) { referee_.OnLog(record); },
                                            [this](const PoolEvent& event) { referee_.OnPoolEvent(event); }},
                                           clock_);
    if (client.ok()) client_ = *std::move(client);
  }

  bool has_client() const { return client_ != nullptr; }
  const soak::Script& script() const { return script_; }
  const soak::Referee& referee() const { return referee_; }

  // All requests. Calls `now_and_then` in this thread, with the number of those that are over.
  void Blow(const std::function<void(int over)>& now_and_then) {
    std::atomic<int> running{kThreads};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const int count = requests_ / kThreads + (i < requests_ % kThreads ? 1 : 0);
        soak::Asker(client_.get(), &script_, &referee_).Ask("storm " + std::to_string(i), count, kAtATime);
        --running;
      });
    }
    for (int round = 0; running > 0; ++round) {
      std::this_thread::sleep_for(5ms);
      referee_.LookAt(client_.get());
      const int over = Over();
      now_and_then(over);
      GoOn(over, round);
    }
    for (std::thread& thread : threads) thread.join();
  }

  // So many requests at a time that every token is needed, until only the dead are left behind. False when that does
  // not happen within kPatience.
  bool Calm() {
    script_.EndStorm();
    int living = 0;
    for (std::size_t i = 0; i < soak::kTokens; ++i) living += script_.IsDead(i) ? 0 : 1;
    int burst = 0;
    const auto ask = [&] {
      const std::size_t crowd = soak::kTokens * soak::kMaxInFlight;
      soak::Asker(client_.get(), &script_, &referee_).Ask("calm " + std::to_string(++burst), crowd, crowd);
    };
    const bool calm = Eventually([&] {
      ask();
      return client_->Pool().Active() == living;
    });
    // More than they can serve at a time, and nobody comes afterwards: who waits has to be woken.
    const auto begin = SteadyClock::now();
    ask();
    return calm && SteadyClock::now() - begin < Config().max_token_wait / 2;
  }

  void LookAtTheEnd() { referee_.LookAtTheEnd(client_.get()); }
  std::vector<std::string> Complaints() const {
    std::vector<std::string> all = referee_.Complaints();
    for (auto& list : {script_.Complaints(), service_.Complaints()}) all.insert(all.end(), list.begin(), list.end());
    return all;
  }

 private:
  static constexpr int kExpiries = 20;  // attempts, in the whole storm
  static constexpr auto kOutage = 1200ms;

  // What happens when so many requests are over: outages end, JWTs expire, and the clock is set forward, to the next
  // hour and, in the midst of each, the wall clock alone.
  void GoOn(int over, int round) {
    const auto now = SteadyClock::now();
    if (script_.timeline().outage() != soak::Outage::kNone) {
      if (!outage_end_) outage_end_ = now + kOutage;
      if (now < *outage_end_) return;
      script_.EndOutage();
      outage_end_.reset();
      script_.PlanSleep(soak::Nap::kMinutes);  // and who has met it judges it then
    }
    const auto due = [&](int done, int of) { return over > (done + 1) * (requests_ / of); };
    if (over > last_half_hour_ + requests_ / (2 * soak::kHours)) {
      last_half_hour_ = over;
      return script_.PlanSleep(++half_hours_ % 2 == 0 ? soak::Nap::kHours : soak::Nap::kUncounted);
    }
    if (!script_.timeline().IsSettled()) return;
    if (due(expiries_, kExpiries) && round % 8 == 0 && script_.ExpireJwts()) {
      expiries_ = over / (requests_ / kExpiries);
    }
  }

  int Over() const {
    const auto totals = referee_.totals();
    return totals.successes + totals.faults;
  }

  soak::StormClock clock_;
  loopback::Service service_;
  soak::Script script_;
  soak::Referee referee_;
  const int requests_;
  int half_hours_ = 0;
  int last_half_hour_ = 0;  // when so many requests were over
  int expiries_ = 0;
  std::optional<SteadyClock::time_point> outage_end_;
  std::unique_ptr<soak::ClientImpl> client_;
};

std::string Summary(const Storm& storm, double seconds, long growth) {
  const auto totals = storm.referee().totals();
  std::string text = std::to_string(kRequests) + " requests in " + std::to_string(seconds) + " s, of them " +
                     std::to_string(totals.faults) + " that were to fail; " + std::to_string(totals.retries) +
                     " attempts failed, " + std::to_string(totals.waits) + " waits for a token; failures " +
                     std::to_string(totals.failures) + ", disabled " + std::to_string(totals.disabled) + ", probes " +
                     std::to_string(totals.probes) + ", recovered " + std::to_string(totals.recovered) + ", coolings " +
                     std::to_string(totals.coolings) + " (" + std::to_string(totals.corrections) + " corrected)" +
                     "; agent requests " + std::to_string(storm.script().agent_requests()) + ", exchanges " +
                     std::to_string(storm.script().exchanges()) + " of at most " +
                     std::to_string(storm.script().ExchangesDue() + totals.probes) + "; memory grew by " +
                     std::to_string(growth) + " KiB.\n  Faults:";
  for (const auto& [what, count] : storm.script().Counts()) text += " [" + what + "] " + std::to_string(count);
  return text + "\n  Served/failures: " + storm.referee().Servings();
}

}  // namespace

TEST_CASE("a storm of faults before the first action fails no request, blames nobody wrongly, and leaves nothing") {
  const std::uint32_t seed = Seed();
  INFO("WARPPOOL_SOAK_SEED=" << seed);
  {
    // What is opened once, by whichever library, is open from here on.
    loopback::Service service;
    service.Accept("fake-warm-up");
    auto client = Client::Create(ConfigFor(service, {"fake-warm-up"}));
    REQUIRE(client.status().ToString() == "ok");
    REQUIRE((*client)->Ask(Request("warm up")).status.ToString() == "ok");
  }
  const long descriptors = OpenDescriptors();
  {
    Storm storm(seed, kRequests);
    REQUIRE(storm.has_client());
    long before = 0;
    const auto begin = SteadyClock::now();
    storm.Blow([&](int over) {
      if (before == 0 && over >= std::max(kRequests / 5, kWarmUp)) before = ResidentKilobytes();
    });
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
    const long growth = before == 0 ? 0 : ResidentKilobytes() - before;
    const auto in_storm = storm.referee().totals();
    const bool calm = storm.Calm();
    storm.LookAtTheEnd();
    for (const std::string& complaint : storm.Complaints()) FAIL_CHECK(complaint);
    WARN("WARPPOOL_SOAK_SEED=" << seed << ": " << Summary(storm, seconds, growth));
    CHECK(calm);
    CHECK(in_storm.successes + in_storm.faults == kRequests);
    CHECK(storm.script().RequestFaultsLeft() == 0);
    CHECK(storm.script().jwts_under_way() == 0);
    CHECK((kSanitized || growth < kMostGrowth));

    // It was a storm: everything happened.
    for (const auto& [what, count] : storm.script().Counts()) {
      INFO(what);
      CHECK((kRequests < kEnough || count > 0));
    }
    const auto totals = storm.referee().totals();
    CHECK(storm.script().Counts().size() > 60);
    CHECK(totals.failures > 0);
    CHECK(totals.disabled > 0);
    CHECK(totals.recovered > 0);
    CHECK(totals.corrections > 0);
    CHECK(totals.coolings > totals.corrections);
    CHECK(totals.rotations > 0);
    CHECK(totals.waits > 0);
    // One exchange for all who wait: each JWT that was missing was fetched once.
    CHECK(storm.script().exchanges() <= storm.script().ExchangesDue() + totals.probes);
  }
  CHECK(OpenDescriptors() == descriptors);
}

}  // namespace warppool
