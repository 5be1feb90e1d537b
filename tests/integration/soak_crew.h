// Threads that ask the client of the soak test, each several things at a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "client/client_impl.h"
#include "soak_referee.h"
#include "soak_script.h"
#include "warppool/client.h"

namespace warppool::soak {

// The client behind its public face: only there a clock can be given to it.
using internal::ClientImpl;

// A request under way. Its callbacks run in the client's I/O thread.
class Inquiry {
 public:
  Inquiry(ClientImpl* client, Script* script, Referee* referee, std::string query, std::function<void()> on_done)
      : script_(script), referee_(referee), on_done_(std::move(on_done)) {
    end_.query = std::move(query);
    number_ = script_->RequestBegins();
    auto stream = client->Start(
        Request(end_.query), nullptr,
        {[this](const Event& event) { return OnEvent(event); }, [this](const Status& status) { OnDone(status); }});
    if (stream.ok()) {
      stream_ = *std::move(stream);
    } else {
      OnDone(stream.status());
    }
  }
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;

  bool done() const { return done_; }

 private:
  Flow OnEvent(const Event& event) {
    if (const auto* started = std::get_if<StreamStarted>(&event)) {
      ++end_.starts;
      end_.token = std::string(started->token);
      CheckToken(end_.token);
    }
    if (const auto* failed = std::get_if<AttemptFailed>(&event)) OnAttemptFailed(*failed);
    if (std::holds_alternative<Waiting>(event)) referee_->OnWaiting();
    if (const auto* delta = std::get_if<TextDelta>(&event)) end_.text += delta->text;
    if (const auto* finished = std::get_if<Finished>(&event)) {
      ++end_.finishes;
      if (finished->reason == FinishReason::kDone) referee_->OnDone(end_.token);
    }
    return Flow::kContinue;
  }
  void OnAttemptFailed(const AttemptFailed& failed) {
    CheckToken(std::string(failed.token));
    // Where a wait comes first, the service may be to blame, and the token is tried again.
    const bool refused =
        failed.code == Code::kUnauthorized && (failed.next == NextStep::kNextToken || failed.next == NextStep::kGiveUp);
    if (refused) ruled_out_.insert(std::string(failed.token));
  }
  void CheckToken(const std::string& token) {
    if (ruled_out_.count(token) != 0)
      referee_->Report(token + " has refused \"" + end_.query + "\", and gets it again");
  }
  void OnDone(const Status& status) {
    end_.status = status;
    referee_->OnEnd(end_);
    script_->RequestEnds(number_);
    done_ = true;
    on_done_();
  }

  Script* const script_;
  Referee* const referee_;
  const std::function<void()> on_done_;
  int number_ = 0;
  Referee::End end_;
  std::set<std::string> ruled_out_;  // tokens that were refused for what they are
  std::atomic<bool> done_{false};
  std::unique_ptr<Stream> stream_;  // first to go: no callback runs afterwards
};

// One thread's requests. A request that is never done is reported, and ends it.
class Asker {
 public:
  Asker(ClientImpl* client, Script* script, Referee* referee) : client_(client), script_(script), referee_(referee) {}

  // Asks `count` times, `at_a_time` at a time. `name` makes the queries unique.
  void Ask(const std::string& name, int count, std::size_t at_a_time) {
    for (int i = 0; i < count; ++i) {
      if (!WaitUntilFewerThan(at_a_time)) return;
      inquiries_.push_back(std::make_unique<Inquiry>(client_, script_, referee_, name + "." + std::to_string(i),
                                                     [this] { OnInquiryDone(); }));
    }
    WaitUntilFewerThan(1);
  }

 private:
  static constexpr std::chrono::seconds kPatience{120};

  bool WaitUntilFewerThan(std::size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto in_time = changed_.wait_for(lock, kPatience, [&] { return open_ended() < count; });
    lock.unlock();
    inquiries_.erase(std::remove_if(inquiries_.begin(), inquiries_.end(), [](const auto& i) { return i->done(); }),
                     inquiries_.end());
    if (!in_time) referee_->Report("a request is never done");
    return in_time;
  }
  std::size_t open_ended() const {
    return static_cast<std::size_t>(
        std::count_if(inquiries_.begin(), inquiries_.end(), [](const auto& i) { return !i->done(); }));
  }
  void OnInquiryDone() {
    const std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
  }

  ClientImpl* const client_;
  Script* const script_;
  Referee* const referee_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Inquiry>> inquiries_;  // of the thread that asks; the others only look whether it is done
};

}  // namespace warppool::soak
