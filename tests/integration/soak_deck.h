// Faults as playing cards: drawn from a shuffled deck that is shuffled again when it is used up, so that chance decides
// when each comes, and not whether.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "loopback.h"
#include "soak_slow_refusals.h"

namespace warppool::soak {

struct Card {
  std::string name;
  std::function<loopback::Behaviour()> play;
  int most = -1;  // how often it is played in all: the slow ones. -1: no limit
  int played = 0;
};

// Not thread-safe.
class Deck {
 public:
  explicit Deck(std::vector<Card> cards) : cards_(std::move(cards)) {}

  template <typename Random>
  const Card& Draw(Random* random) {
    while (true) {
      if (left_.empty()) {
        for (std::size_t i = 0; i < cards_.size(); ++i) left_.push_back(i);
        std::shuffle(left_.begin(), left_.end(), *random);
      }
      Card& card = cards_[left_.back()];
      left_.pop_back();
      if (card.played == card.most) continue;
      ++card.played;
      return card;
    }
  }

  const std::vector<Card>& cards() const { return cards_; }

 private:
  std::vector<Card> cards_;
  std::vector<std::size_t> left_;
};

// Longer than any time-out.
inline constexpr std::chrono::seconds kForever{600};

// A proxy's, a firewall's, a company's.
inline loopback::Behaviour Page(int status) {
  return loopback::Status(status, "<html><head><title>Access denied</title></head><body>policy 7</body></html>")
      .Header("Content-Type", "text/html; charset=utf-8");
}

// Without one of the words that are final.
inline loopback::Behaviour RefusalOfExchange() {
  return loopback::Dead("SOMETHING_ELSE");
}

// Adds the slow refusals of an endpoint, each to be played `most` times.
inline std::vector<Card> WithSlowRefusals(std::vector<Card> cards, bool at_exchange, int most) {
  for (const SlowRefusal& refusal : kSlowRefusals) {
    if (refusal.at_exchange != at_exchange) continue;
    cards.push_back({std::string(refusal.name), [&refusal] { return Play(refusal); }, most});
  }
  return cards;
}

// What is no token's fault, before the first action. `slow`: how often those are played at most that take a time-out.
inline Deck AgentFaults(int slow) {
  using loopback::Behaviour;
  using loopback::Ok;
  using loopback::Status;
  using Cut = Behaviour::Cut;
  std::vector<Card> cards{
      {"429 overloaded", loopback::Overloaded},
      {"408", [] { return Status(408); }},
      {"502 page", [] { return Page(502); }},
      {"400 page", [] { return Page(400); }},
      {"401 page", [] { return Page(401); }},
      {"403 page", [] { return Page(403); }},
      {"404 page", [] { return Page(404); }},
      {"portal's 200", loopback::Garbage},
      {"502", [] { return Status(502); }},
      {"503", [] { return Status(503); }},
      {"504", [] { return Status(504); }},
      {"503, Retry-After: 0", [] { return Status(503).Header("Retry-After", "0"); }},
      {"503, Retry-After: 1", [] { return Status(503).Header("Retry-After", "1"); }, slow},
      {"reset", loopback::Reset},
      {"silence", [] { return Ok().Delay(kForever); }, slow},
      {"empty answer", loopback::EmptyBody},
      {"clean end after 0", [] { return Ok().CutAfter(0, Cut::kClean); }},
      {"clean end after 1", [] { return Ok().CutAfter(1, Cut::kClean); }},
      {"reset after 0", [] { return Ok().CutAfter(0, Cut::kReset); }},
      {"reset after 1", [] { return Ok().CutAfter(1, Cut::kReset); }},
      {"silence after 0", [] { return Ok().CutAfter(0, Cut::kStall); }, slow},
      {"silence after 1", [] { return Ok().CutAfter(1, Cut::kStall); }, slow},
  };
  return Deck(WithSlowRefusals(std::move(cards), false, slow));
}

inline Deck ExchangeFaults(int slow) {
  using loopback::Raw;
  using loopback::Status;
  const auto refusal = [](const char* message) {
    return std::string(R"({"error":{"code":400,"message":")") + message + R"("}})";
  };
  std::vector<Card> cards{
      {"exchange 429", loopback::Overloaded},
      {"exchange 408", [] { return Status(408); }},
      {"exchange QUOTA_EXCEEDED", [] { return loopback::Dead("QUOTA_EXCEEDED"); }},
      {"exchange asked too often", [] { return loopback::Dead("TOO_MANY_ATTEMPTS_TRY_LATER : later"); }},
      {"exchange 502", [] { return Status(502); }},
      {"exchange 503", [] { return Status(503); }},
      {"exchange 504", [] { return Status(504); }},
      {"exchange reset", loopback::Reset},
      {"exchange 502 page", [] { return Page(502); }},
      {"exchange 400 page", [] { return Page(400); }},
      {"exchange 401 page", [] { return Page(401); }},
      {"exchange 403 page", [] { return Page(403); }},
      {"exchange, portal's 200", loopback::Garbage},
      {"exchange answers garbage", [] { return Raw("no JSON"); }},
      {"exchange forgets the JWT", [] { return Raw(R"({"expires_in":"3600"})"); }},
      {"exchange silent", [] { return Status(503).Delay(kForever); }, slow},
      {"exchange redirects", [] { return Status(302).Header("Location", "http://127.0.0.1:1/"); }},
      {"exchange 404", [] { return Status(404); }},
      {"exchange 204", [] { return Status(204); }},
      {"exchange answers nothing", [] { return Raw(""); }},
      {"exchange refuses the API key", [refusal] { return Status(400, refusal("API key not valid.")); }},
      {"exchange wants an API key",
       [refusal] { return Status(403, refusal("The request is missing a valid API key.")); }},
  };
  return Deck(WithSlowRefusals(std::move(cards), true, slow));
}

inline Deck AccountFaults(int slow) {
  using loopback::Status;
  return Deck({
      {"account 401", [] { return Status(401); }},
      {"account 403", [] { return Status(403); }},
      {"account 404", [] { return Status(404); }},
      {"account 429", loopback::Overloaded},
      {"account 500", [] { return Status(500); }},
      {"account reset", loopback::Reset},
      {"account silent", [] { return Status(503).Delay(kForever); }, slow},
      {"account garbage", [] { return loopback::Raw("no JSON"); }},
      {"account refused", [] { return loopback::AccountRefused("no such user"); }},
  });
}

}  // namespace warppool::soak
