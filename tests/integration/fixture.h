// What the integration tests share: a client of the loopback service, and everything it said, searched for secrets.
#pragma once

#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
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

// A service, its client, and the log of both.
class World {
 public:
  explicit World(loopback::Options options = {}) : service(options) {}
  // Searches everything that was said for everything that is secret.
  ~World() {
    client.reset();
    for (const std::string& secret : service.Secrets()) {
      if (secret.size() < 6) continue;
      for (const std::string& line : log.Lines()) CHECK(line.find(secret) == std::string::npos);
      for (const std::string& text : said_) CHECK(text.find(secret) == std::string::npos);
    }
    CHECK(service.Complaints().empty());
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Client& Connect(Config config) {
    auto made = Client::Create(std::move(config), {log.Sink()});
    REQUIRE(made.status().ToString() == "ok");
    client = *std::move(made);
    return *client;
  }
  Client& Connect(const std::vector<std::string>& credentials) { return Connect(ConfigFor(service, credentials)); }

  // A status that is searched for secrets at the end, too.
  const Status& Said(const Status& status) {
    said_.push_back(status.ToString());
    return status;
  }
  TokenStatus StatusOf(std::size_t token) {
    const PoolStatus pool = client->Pool();
    REQUIRE(token < pool.tokens.size());
    said_.push_back(pool.tokens[token].last_error_message);
    return pool.tokens[token];
  }

  loopback::Service service;
  LogBook log;
  std::unique_ptr<Client> client;

 private:
  std::vector<std::string> said_;
};

// A pushed stream's events, kept. Must outlive the stream.
class Recorder {
 public:
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
    if (dones_ > 0) ++events_after_done_;
    if (const auto* delta = std::get_if<TextDelta>(&event)) text_ += delta->text;
    if (std::holds_alternative<StreamStarted>(event)) ++starts_;
    if (std::holds_alternative<Finished>(event)) ++finishes_;
    if (const auto* failed = std::get_if<AttemptFailed>(&event)) failures_.emplace_back(failed->code, failed->next);
    changed_.notify_all();
    return Flow::kContinue;
  }
  void OnDone(const Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++dones_;
    status_ = status;
    changed_.notify_all();
  }

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
