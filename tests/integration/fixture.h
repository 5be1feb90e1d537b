// What the integration tests share: a client of the loopback service, and everything it said, searched for secrets.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"
#include "loopback.h"
#include "skipping_clock.h"
#include "warppool/client.h"

namespace warppool {

using namespace std::chrono_literals;

// How long a test waits for what must come: a guard against hanging, not an expectation.
constexpr auto kPatience = 30s;

// Where the service is asked, and with what.
constexpr const char* kAgent = "/ai/multi-agent";
constexpr const char* kExchange = "/proxy/token";
constexpr const char* kAccount = "/graphql/v2";
constexpr const char* kOne = "fake-token-one";
constexpr const char* kTwo = "fake-token-two";
constexpr const char* kThree = "fake-token-three";
inline const std::vector<std::string> kAll = {kOne, kTwo, kThree};
constexpr const char* kRotated = "fake-token-rotated";
constexpr const char* kKey = "wk-1.fakefake";

// Does not wait for a token.
inline Request Impatient(const std::string& query = "hello") {
  Request request(query);
  request.wait_for_token = false;
  return request;
}

inline Request WithTimeout(const std::string& query, std::chrono::milliseconds timeout) {
  Request request(query);
  request.timeout = timeout;
  return request;
}

// Looks again and again; false when it is not so within kPatience.
template <typename Condition>
bool Eventually(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

// Holds requests back at the service, from inside Service::Decide(), and counts them. Open at first. Thread-safe; must
// outlive the service.
class Gate {
 public:
  void Close() { Set(false); }
  void Open() { Set(true); }

  // Stays for `at_least`, and as long as it is closed.
  void Pass(std::chrono::milliseconds at_least = 0ms) {
    std::unique_lock<std::mutex> lock(mutex_);
    most_ = std::max(most_, ++inside_);
    changed_.notify_all();
    if (at_least > 0ms) changed_.wait_for(lock, at_least, [] { return false; });
    changed_.wait_for(lock, kPatience, [&] { return open_; });
    --inside_;
    changed_.notify_all();
  }

  // False when there are not so many at a time within kPatience.
  bool WaitUntilInside(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return inside_ >= count; });
  }
  // How many there were at a time, at most.
  int most() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return most_;
  }

 private:
  void Set(bool open) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int inside_ = 0;
  int most_ = 0;
};

// A PoolEvent that was kept.
struct PoolEntry {
  PoolEventKind kind;
  Tier tier;
  std::string token;
  Code code;
  std::string reason;
  int failures;
  std::optional<std::chrono::system_clock::time_point> until;
  std::chrono::system_clock::time_point time;
};

// Pool events, thread-safe.
class PoolBook {
 public:
  PoolEventSink Sink() {
    return [this](const PoolEvent& event) {
      const std::lock_guard<std::mutex> lock(mutex_);
      entries_.push_back({event.kind, event.tier, std::string(event.token), event.code, std::string(event.reason),
                          event.failures, event.until, event.time});
    };
  }
  std::vector<PoolEntry> All() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return entries_;
  }
  std::vector<PoolEntry> Of(PoolEventKind kind) const {
    std::vector<PoolEntry> found = All();
    found.erase(std::remove_if(found.begin(), found.end(), [&](const auto& entry) { return entry.kind != kind; }),
                found.end());
    return found;
  }
  int Count(PoolEventKind kind) const { return static_cast<int>(Of(kind).size()); }

 private:
  mutable std::mutex mutex_;
  std::vector<PoolEntry> entries_;
};

// Log lines, thread-safe.
class LogBook {
 public:
  LogSink Sink() {
    return [this](const LogRecord& record) {
      const std::lock_guard<std::mutex> lock(mutex_);
      lines_.push_back(std::string(LogLevelName(record.level)) + " " + std::string(record.message));
    };
  }
  std::vector<std::string> Lines() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return lines_;
  }
  int Count(const std::string& part) const {
    int count = 0;
    for (const std::string& line : Lines()) count += line.find(part) != std::string::npos ? 1 : 0;
    return count;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// A configuration for `service` with personal tokens of these credentials; quick to try again, and to give up.
inline Config ConfigFor(const loopback::Service& service, const std::vector<std::string>& credentials) {
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
  config.silence_timeout = 10s;
  return config;
}

// As ConfigFor(), of a client that asks the first of these tokens first, as long as it is ready.
inline Config FillFirst(const loopback::Service& service, const std::vector<std::string>& credentials) {
  Config config = ConfigFor(service, credentials);
  config.strategy = Strategy::kFillFirst;
  return config;
}

// A service, its client, and everything that is said: what goes through here, the log, the pool's events and its last
// state are searched for secrets at the end. Any thread, but for the constructor, Connect() and the destructor.
class World {
 public:
  explicit World(const loopback::Options& options = {}) : service(options) { SkippingClock::Get().Reset(); }
  ~World() {
    NotePool();
    client.reset();
    for (std::string& line : log.Lines()) Note(std::move(line));
    for (const PoolEntry& entry : events.All()) Note(entry.token + ": " + entry.reason);
    for (const std::string& secret : service.Secrets()) {
      if (secret.size() < 6) continue;
      for (const std::string& text : said_) {
        if (text.find(secret) != std::string::npos) FAIL_CHECK("a secret (" << secret << ") was said: " << text);
      }
    }
    CHECK(service.Complaints().empty());
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Client& Connect(Config config, std::shared_ptr<StateStore> store = nullptr) {
    NotePool();
    auto made = CreateClient(std::move(config), {log.Sink(), events.Sink(), std::move(store)}, SkippingClock::Get());
    REQUIRE(made.status().ToString() == "ok");
    client = *std::move(made);
    return *client;
  }
  Client& Connect(const std::vector<std::string>& credentials) { return Connect(ConfigFor(service, credentials)); }

  void Skip(std::chrono::milliseconds time) { SkippingClock::Get().Skip(time); }
  // Those that were refused just now may be asked again.
  void SkipRest() { Skip(5s); }

  // So many requests for which the first token, which comes first when it is ready, is refused, and which another one
  // serves: that many failures.
  void Blame(int failures) {
    for (int i = 0; i < failures; ++i) {
      if (i > 0) SkipRest();
      REQUIRE(Ask(Request("hello")).status().ToString() == "ok");
    }
  }
  // The same, and then it is alone: the others are removed.
  void BlameAndLeaveAlone(int failures) {
    Blame(failures);
    while (client->Pool().tokens.size() > 1) REQUIRE(client->RemoveToken(client->Pool().tokens.back().name).ok());
  }

  // Client::Ask(), where only a whole answer counts.
  Result<Answer> Ask(const Request& request) {
    Answer answer = client->Ask(request);
    Said(answer.status);
    Note(answer.token + " " + answer.conversation_id + " " + answer.request_id);
    if (!answer.ok()) return answer.status;
    return answer;
  }

  void Note(std::string text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    said_.insert(std::move(text));
  }
  const Status& Said(const Status& status) {
    const Error& error = status.error();
    for (const std::string& text : {status.ToString(), error.message, error.token, error.service_code}) Note(text);
    Note(error.user_message);
    for (const Attempt& attempt : error.attempts) Note(attempt.token + ": " + attempt.message);
    return status;
  }
  const Event& Said(const Event& event) {
    if (const auto* started = std::get_if<StreamStarted>(&event)) {
      for (const auto id : {started->token, started->conversation_id, started->request_id, started->run_id}) {
        Note(std::string(id));
      }
    }
    if (const auto* failed = std::get_if<AttemptFailed>(&event)) {
      Note(std::string(failed->token) + ": " + std::string(failed->message));
    }
    if (const auto* waiting = std::get_if<Waiting>(&event)) Note(std::string(waiting->reason));
    if (const auto* finished = std::get_if<Finished>(&event)) Note(std::string(finished->message));
    return event;
  }
  // What a pulled stream gave.
  const Result<Event>& Said(const Result<Event>& next) {
    if (next.ok()) Said(*next);
    if (!next.ok()) Said(next.status());
    return next;
  }

  TokenStatus StatusOf(std::size_t token) {
    const PoolStatus pool = client->Pool();
    REQUIRE(token < pool.tokens.size());
    return Said(pool).tokens[token];
  }
  const PoolStatus& Said(const PoolStatus& pool) {
    Note(pool.Summary());
    for (const TokenStatus& token : pool.tokens) Note(token.name + ": " + token.last_error_message + token.reason);
    return pool;
  }

  loopback::Service service;
  LogBook log;
  PoolBook events;
  std::unique_ptr<Client> client;

 private:
  void NotePool() {
    if (client != nullptr) Said(client->Pool());
  }

  std::mutex mutex_;
  std::set<std::string> said_;
};

// A pushed stream's events, kept. Must outlive the stream. What they say goes to `world`, unless it is null.
class Recorder {
 public:
  explicit Recorder(World* world = nullptr) : world_(world) {}

  Flow at_text = Flow::kContinue;  // what is returned for text; before the stream is started

  StreamCallbacks Callbacks() {
    return {[this](const Event& event) { return OnEvent(event); }, [this](const Status& status) { OnDone(status); }};
  }

  // False when it is not over within kPatience.
  bool WaitUntilDone() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return dones_ > 0; });
  }
  bool WaitForWait() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return waits_ > 0 || dones_ > 0; });
  }
  bool WaitForText() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return !text_.empty() || dones_ > 0; });
  }
  Status status() const { return Locked(&Recorder::status_); }
  std::string text() const { return Locked(&Recorder::text_); }
  int dones() const { return Locked(&Recorder::dones_); }
  int events() const { return Locked(&Recorder::events_); }
  int starts() const { return Locked(&Recorder::starts_); }
  int finishes() const { return Locked(&Recorder::finishes_); }
  int waits() const { return Locked(&Recorder::waits_); }
  std::string token() const { return Locked(&Recorder::token_); }  // that serves it
  int events_after_done() const { return Locked(&Recorder::events_after_done_); }
  // "token: code -> next step" of each failed attempt.
  std::vector<std::pair<Code, NextStep>> failures() const { return Locked(&Recorder::failures_); }

 private:
  template <typename T>
  T Locked(T Recorder::*member) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return this->*member;
  }

  Flow OnEvent(const Event& event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++events_;
    if (world_ != nullptr) world_->Said(event);
    if (dones_ > 0) ++events_after_done_;
    if (const auto* delta = std::get_if<TextDelta>(&event)) text_ += delta->text;
    if (const auto* started = std::get_if<StreamStarted>(&event)) {
      ++starts_;
      token_ = std::string(started->token);
    }
    if (std::holds_alternative<Waiting>(event)) ++waits_;
    if (std::holds_alternative<Finished>(event)) ++finishes_;
    if (const auto* failed = std::get_if<AttemptFailed>(&event)) failures_.emplace_back(failed->code, failed->next);
    changed_.notify_all();
    return std::holds_alternative<TextDelta>(event) ? at_text : Flow::kContinue;
  }
  void OnDone(const Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++dones_;
    if (world_ != nullptr) world_->Said(status);
    status_ = status;
    changed_.notify_all();
  }

  World* const world_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  Status status_;
  int dones_ = 0;
  int events_ = 0;
  int starts_ = 0;
  int finishes_ = 0;
  int waits_ = 0;
  std::string token_;
  int events_after_done_ = 0;
  std::vector<std::pair<Code, NextStep>> failures_;
};

}  // namespace warppool
