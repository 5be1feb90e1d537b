// What the integration tests share: a client of the loopback service, and everything it said, searched for secrets.
#pragma once

#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "loopback.h"
#include "warppool/client.h"

namespace warppool {

using namespace std::chrono_literals;

// How long a test waits for what must come: a guard against hanging, not an expectation.
constexpr auto kPatience = 30s;

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

// A service, its client, and everything that is said: what goes through here, the log, and the pool's last state are
// searched for secrets at the end. Any thread, but for the constructor, Connect() and the destructor.
class World {
 public:
  explicit World(loopback::Options options = {}) : service(options) {}
  ~World() {
    NotePool();
    client.reset();
    for (std::string& line : log.Lines()) Note(std::move(line));
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

  Client& Connect(Config config) {
    NotePool();
    auto made = Client::Create(std::move(config), {log.Sink()});
    REQUIRE(made.status().ToString() == "ok");
    client = *std::move(made);
    return *client;
  }
  Client& Connect(const std::vector<std::string>& credentials) { return Connect(ConfigFor(service, credentials)); }

  // Client::Ask().
  Result<Answer> Ask(const Request& request) {
    auto answer = client->Ask(request);
    Said(answer.status());
    if (answer.ok()) Note(answer->token + " " + answer->conversation_id + " " + answer->request_id);
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
    for (const TokenStatus& token : pool.tokens) Note(token.name + ": " + token.last_error_message);
    return pool;
  }

  loopback::Service service;
  LogBook log;
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
    if (std::holds_alternative<StreamStarted>(event)) ++starts_;
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
  int events_after_done_ = 0;
  std::vector<std::pair<Code, NextStep>> failures_;
};

}  // namespace warppool
