// When memory runs out in the I/O thread, at many of the points where it can: the request that it hits ends, and the
// client serves the next one.
//
// WARPPOOL_MEMORY_STEP=<how many allocations lie between two of these points>. 1: memory runs out at every one of them.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "amount.h"
#include "capi/failing_memory.h"
#include "catch.h"
#include "loopback.h"
#include "protocol/schema.h"
#include "warppool/client.h"

// A message that runs out of memory while it is read is never destroyed: it may point to what protobuf, which does not
// expect exceptions, has freed already. So what the decoder reads messages with is no leak, and neither is what
// protobuf has not put into its message yet: there the stack ends inside of protobuf, which Debian compiles without
// frame pointers.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wreserved-identifier"
#endif
extern "C" const char* __lsan_default_suppressions();  // NOLINT: the sanitizer's name
extern "C" const char* __lsan_default_suppressions() {
  return "leak:MakeMessage<warppool::wire::\n"
         "leak:google::protobuf::internal::\n"
         "leak:google::protobuf::UnknownFieldSet::\n";
}

namespace warppool {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongest = 20s;
constexpr int kEnoughAllocations = 100'000;
constexpr int kForEver = 1'000'000'000;

// How many allocations lie between two points at which memory runs out. No multiple of what repeats in a run.
const int kStep = std::max(1, AmountFrom("WARPPOOL_MEMORY_STEP", kSanitized ? 53 : 13));

// Ends the program with a sentence when something takes too long: what hangs cannot be ended otherwise.
class Watchdog {
 public:
  explicit Watchdog(std::string what) : what_(std::move(what)), thread_([this] { Watch(); }) {}
  ~Watchdog() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void Watch() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (changed_.wait_for(lock, kLongest, [this] { return over_; })) return;
    std::fprintf(stderr, "it hangs: %s\n", what_.c_str());
    std::abort();
  }

  const std::string what_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

// A client, and which of the process's threads is its I/O thread.
struct Subject {
  std::unique_ptr<Client> client;
  long thread = 0;
};

Config ConfigOf(const loopback::Service& service, const std::vector<std::string>& credentials) {
  Config config;
  config.server_url = service.url();
  config.ca_bundle = service.ca_file();
  for (const std::string& credential : credentials) {
    TokenConfig token;
    token.credential = Secret(credential);
    config.tokens.push_back(std::move(token));
  }
  config.retry_base_delay = 1ms;
  config.retry_max_delay = 5ms;
  config.strategy = Strategy::kFillFirst;
  return config;
}

Subject MakeSubject(Config config, const ClientOptions& options = {}) {
  Subject subject;
  const std::set<long> before = ThreadNumbers();
  auto made = Client::Create(std::move(config), options);
  REQUIRE(made.ok());
  subject.client = *std::move(made);
  for (const long number : ThreadNumbers()) {
    if (before.count(number) == 0) subject.thread = number;
  }
  REQUIRE(subject.thread != 0);
  return subject;
}

// What a scenario has seen of the request that memory ran out in.
struct Seen {
  Status status;
  bool whole = false;  // all that the scenario is about has come
  int failed = 0;      // requests, of several
};

struct Scenario {
  const char* name;
  // `rotates`: the token is replaced, if the scenario cares for that.
  std::function<void(loopback::Service*, const std::string& token, bool rotates)> script;
  std::function<Config(const loopback::Service&, const std::string& token)> configure;
  std::function<Seen(Client*)> run;
};

constexpr const char* kText = "A longer answer, which comes in several parts";

loopback::Behaviour WithToolCall() {
  return loopback::Play({loopback::Begin(), loopback::Say("wrong", 2), loopback::Rollback(), loopback::Say(kText, 4),
                         loopback::Todos({"one", "two"}),
                         loopback::CallMcp("weather", R"({"city":"Graz","days":[1,2,3]})")});
}

// What has been seen of an answer's events, and how it ended.
struct Reading {
  std::string text;
  bool called = false;

  void Take(const Event& event) {
    if (const auto* delta = std::get_if<TextDelta>(&event)) text += delta->text;
    called = called || std::holds_alternative<ToolCall>(event);
    if (std::holds_alternative<MessageRetracted>(event)) text.clear();
  }
  bool whole(bool calls) const { return text == kText && called == calls; }
};

Seen Pull(Client* client, bool calls) {
  Reading reading;
  const auto stream = client->Start(Request("a question"));
  if (!stream.ok()) return {stream.status()};
  while (true) {
    const auto event = (*stream)->Next(-1ms);
    if (!event.ok()) return {event.code() == Code::kEnd ? Status() : event.status(), reading.whole(calls)};
    reading.Take(*event);
  }
}

// Waits for the end of a pushed stream.
class End {
 public:
  void Come(const Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    status_ = status;
    has_come_ = true;
    changed_.notify_all();
  }
  Status Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return has_come_; });
    return status_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_come_ = false;
  Status status_;
};

// Pauses at every event, and is resumed by this thread.
Seen Push(Client* client) {
  Reading reading;
  End end;
  std::atomic<bool> over{false};
  const auto stream = client->Start(Request("a question"), {[&](const Event& event) {
                                                              reading.Take(event);
                                                              return Flow::kPause;
                                                            },
                                                            [&](const Status& status) {
                                                              over = true;
                                                              end.Come(status);
                                                            }});
  if (!stream.ok()) return {stream.status()};
  while (!over) {
    (*stream)->Resume();
    std::this_thread::sleep_for(100us);
  }
  return {end.Wait(), reading.whole(true)};
}

// Destroys the stream in its own callback, at each event another time.
Seen DestroyInside(Client* client, int at) {
  End end;
  std::mutex mutex;
  std::unique_ptr<Stream> stream;
  int events = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    auto started = client->Start(Request("a question"), {[&, at](const Event&) {
                                                           if (events++ == at) {
                                                             const std::lock_guard<std::mutex> inner(mutex);
                                                             stream.reset();
                                                           }
                                                           return Flow::kContinue;
                                                         },
                                                         [&](const Status& status) { end.Come(status); }});
    if (!started.ok()) return {started.status()};
    stream = *std::move(started);
  }
  const Status status = end.Wait();
  {
    const std::lock_guard<std::mutex> lock(mutex);
    stream.reset();
  }
  return {status.code() == Code::kCancelled ? Status() : status, true};
}

// Several requests, of which one serves at a time.
Seen Several(Client* client) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 3; ++i) {
    auto stream = client->Start(Request("a question"));
    if (!stream.ok()) return {stream.status()};
    streams.push_back(*std::move(stream));
  }
  Seen seen{Status(), true};
  int failed = 0;
  for (const auto& stream : streams) {
    Reading reading;
    while (true) {
      const auto event = stream->Next(-1ms);
      if (event.ok()) {
        reading.Take(*event);
        continue;
      }
      if (event.code() == Code::kEnd) {
        seen.whole = seen.whole && reading.whole(true);
      } else {
        ++failed;
        if (seen.status.ok() || seen.status.code() == Code::kOutOfMemory) seen.status = event.status();
      }
      break;
    }
  }
  seen.failed = failed;
  return seen;
}

// A token that is replaced by its first exchange.
void Rotating(loopback::Service* service, const std::string& token, bool rotates) {
  loopback::Behaviour exchange = loopback::Ok();
  if (rotates) exchange.RotateTo(token + "-rotated");
  service->On(token).Exchange(exchange.Times(1)).Agent(WithToolCall());
}

Config One(const loopback::Service& service, const std::string& token) {
  return ConfigOf(service, {token});
}

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> scenarios{
      {"an answer that is pulled, after a refresh that rotates", Rotating, One,
       [](Client* client) { return Pull(client, true); }},
      {"an answer that is pushed, with pauses", Rotating, One, Push},
      {"a stream that is destroyed in its first callback", Rotating, One,
       [](Client* client) { return DestroyInside(client, 0); }},
      {"a stream that is destroyed in its fifth callback", Rotating, One,
       [](Client* client) { return DestroyInside(client, 4); }},
      {"an answer that is waited for", Rotating, One,
       [](Client* client) {
         const Answer answer = client->Ask(Request("a question"));
         return Seen{answer.status, answer.text == kText};
       }},
      {"a retry after an overload",
       [](loopback::Service* service, const std::string& token, bool) {
         service->On(token)
             .Exchange(loopback::Overloaded().Times(1))
             .Agent(loopback::Overloaded().Times(2))
             .Agent(WithToolCall());
       },
       One, [](Client* client) { return Pull(client, true); }},
      {"a 401, and a token that serves instead",
       [](loopback::Service* service, const std::string& token, bool) {
         service->On(token + "-a").Agent(loopback::Status(401, R"({"error":"no"})").Times(2));
         service->On(token + "-b").Agent(WithToolCall());
       },
       [](const loopback::Service& service, const std::string& token) {
         return ConfigOf(service, {token + "-a", token + "-b"});
       },
       [](Client* client) { return Pull(client, true); }},
      {"an answer that breaks off and is resumed",
       [](loopback::Service* service, const std::string& token, bool) {
         service->On(token)
             .Agent(loopback::Ok().Text("some words").Chunks(3).CutAfter(3, loopback::Behaviour::Cut::kReset).Times(1))
             .Agent(WithToolCall());
       },
       One,
       [](Client* client) {
         Seen seen = Pull(client, true);
         seen.whole = true;  // its text is that of two answers
         return seen;
       }},
      {"a quota that is used up, and the question until when",
       [](loopback::Service* service, const std::string& token, bool) {
         service->On(token + "-a").Agent(loopback::Quota().Times(1));
         service->On(token + "-b").Agent(WithToolCall());
       },
       [](const loopback::Service& service, const std::string& token) {
         return ConfigOf(service, {token + "-a", token + "-b"});
       },
       [](Client* client) { return Pull(client, true); }},
      {"three requests, and a token that serves one at a time", Rotating,
       [](const loopback::Service& service, const std::string& token) {
         Config config = ConfigOf(service, {token});
         config.max_in_flight = 1;
         return config;
       },
       Several},
      {"a bearer that is asked for", Rotating, One,
       [](Client* client) {
         const auto bearer = client->AccessToken();
         return Seen{bearer.status(), true};
       }},
      {"a health check", Rotating, One,
       [](Client* client) {
         HealthCheckOptions options;
         options.active = true;
         const auto report = client->CheckHealth(options);
         return Seen{report.status(), true};
       }},
  };
  return scenarios;
}

// Runs one again and again, each time with a token of its own and with failures at a later allocation of the I/O
// thread, until it gets by. Each scenario begins at another allocation, for they begin alike.
void RunScenario(std::size_t index, int failures) {
  const Scenario& scenario = Scenarios()[index];
  internal::LoadSchema();
  loopback::Service service;
  bool enough = false;
  for (int allowed = static_cast<int>(index) % kStep; !enough; allowed += kStep) {
    REQUIRE(allowed < kEnoughAllocations);
    const std::string where = std::string(scenario.name) + ", " + std::to_string(failures) +
                              " failure(s) after so many allocations: " + std::to_string(allowed);
    INFO(where);
    const Watchdog watchdog(where);
    const std::string token = "fake-token-" + std::to_string(failures == 1 ? 1 : 2) + "-" + std::to_string(allowed);
    // Without any memory the answer of an exchange is lost, and the token with it if it was replaced.
    scenario.script(&service, token, failures == 1);
    Subject subject = MakeSubject(scenario.configure(service, token));
    Seen seen;
    {
      const FailingMemoryElsewhere memory(subject.thread, allowed, failures);
      seen = scenario.run(subject.client.get());
      enough = !FailingMemoryElsewhere::Failed();
      if (enough) CHECK(FailingMemoryElsewhere::Allocations() > 20);
    }
    const bool fits = seen.status.ok() ? seen.whole : seen.status.code() == Code::kOutOfMemory;
    INFO(seen.status.ToString());
    CHECK(fits);
    if (failures == 1) CHECK(seen.failed <= 1);  // what others do goes on
    // Memory is back: the client serves.
    const Answer again = subject.client->Ask(Request("once more"));
    INFO(again.status.ToString());
    CHECK(again.status.ok());
    CHECK(subject.client->Close(-1ms).ok());
    if (enough) CHECK(seen.status.ok());
  }
}

TEST_CASE("an allocation that fails in the I/O thread ends the request that it hits, and nothing else") {
  const auto index = GENERATE(range(std::size_t{0}, Scenarios().size()));
  RunScenario(index, 1);
}

TEST_CASE("when the I/O thread finds no memory for a while, the requests end, and later ones are served") {
  const auto index = GENERATE(range(std::size_t{0}, Scenarios().size()));
  RunScenario(index, kForEver);
}

}  // namespace
}  // namespace warppool
