// Refusals of the soak test whose body never ends: it stops after some bytes, or trickles for longer than anybody
// should listen. Their status has to speak for them. Each has a status of its own, by which it is recognized.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loopback.h"
#include "warppool/status.h"

namespace warppool::soak {

struct SlowRefusal {
  std::string_view name;
  int status;
  Code code;  // what it means
  bool at_exchange;
  bool is_page;  // and not the service's own
  bool trickles;
};

inline constexpr std::array<SlowRefusal, 5> kSlowRefusals{{
    {"529 stalls", 529, Code::kOverloaded, false, false, false},
    {"509 trickles", 509, Code::kOverloaded, false, false, true},
    {"451 page stalls", 451, Code::kBlocked, false, true, false},
    {"exchange 528 stalls", 528, Code::kOverloaded, true, false, false},
    {"exchange 508 trickles", 508, Code::kOverloaded, true, false, true},
}};

inline loopback::Behaviour Play(const SlowRefusal& refusal) {
  constexpr std::size_t kBytes = 200;
  constexpr std::chrono::milliseconds kGap{500};
  std::string body = refusal.is_page ? "<html><body>" : R"({"error":")";
  body.resize(kBytes, '.');
  auto behaviour = loopback::Status(refusal.status, body);
  behaviour.Header("Content-Type", refusal.is_page ? "text/html" : "application/json");
  if (refusal.trickles) return behaviour.Gap(kGap);
  return behaviour.CutAfter(20, loopback::Behaviour::Cut::kStall);
}

// Which of them were sent, and heard. Not thread-safe.
class SlowRefusals {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void Sent(std::string_view name, std::size_t token, Time now) {
    for (const SlowRefusal& refusal : kSlowRefusals) {
      if (refusal.name == name) open_[{token, refusal.status}].push_back(now);
    }
  }

  // The client says of `token` this, which may be about one of them. What is wrong with that; empty: nothing.
  std::string Heard(std::size_t token, std::string_view words, bool at_exchange, Time now) {
    for (const SlowRefusal& refusal : kSlowRefusals) {
      const std::string mark = "(" + std::to_string(refusal.status);
      if (refusal.at_exchange != at_exchange || words.find(mark) == std::string_view::npos) continue;
      const auto found = open_.find({token, refusal.status});
      if (found == open_.end() || found->second.empty()) return "heard of a refusal that it was not sent";
      const Time sent = found->second.front();
      found->second.erase(found->second.begin());
      return now - sent > kLongest ? "waited for the whole of a refusal's body" : "";
    }
    return "";
  }

  // Those whose status nobody heard.
  std::vector<std::string> Unheard() const {
    std::vector<std::string> unheard;
    for (const auto& [which, times] : open_) {
      if (!times.empty()) unheard.push_back(std::to_string(which.second) + " was never heard");
    }
    return unheard;
  }

 private:
  // Far more than a client may take, and far less than a body.
  static constexpr std::chrono::seconds kLongest{30};

  std::map<std::pair<std::size_t, int>, std::vector<Time>> open_;  // by token and status
};

}  // namespace warppool::soak
