// A world of tokens and outages, drawn at random: what the exchange and the agent answer at a moment, and whether a
// token could serve. Times are in seconds from the world's beginning.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "http/fetch.h"
#include "http/refusal.h"

namespace warppool::internal::worlds {

inline constexpr double kNever = std::numeric_limits<double>::infinity();

// What comes back.
enum class Said : std::uint8_t {
  kOk,
  kUnauthorized,       // 401
  kForbidden,          // 403 of the service's own
  kRefused,            // the exchange refuses, with no final word
  kFinal,              // it does, with one
  kQuota,              // the quota is used up
  kServerError,        // 500
  kUnavailable,        // 503
  kUnavailableByEdge,  // 502, HTML
  kTooMany,            // 429
  kForbiddenByProxy,   // 403, HTML
  kPortal,             // 200, HTML
  kLost,               // no connection
  kBadKey,             // the exchange refuses the API key of the setting
};

// What is wrong with one token.
enum class Condition : std::uint8_t {
  kNone,
  kFinal,
  kRefused,
  kUnauthorized,
  kForbidden,
  kEdge,
  kQuota,
  kServerError,
  kTooMany
};

// Whether it is its account's own fault.
inline bool IsOfAccount(Condition condition) {
  return condition != Condition::kNone && condition != Condition::kEdge && condition != Condition::kTooMany;
}

struct SimToken {
  int tier = 0;
  bool api_key = false;
  Condition condition = Condition::kNone;
  double begins = 0;  // when the condition does, and when it ends
  double ends = kNever;
  double jwt_until = 0;  // of the JWT that it has at the beginning
  double held_from = 0;  // another process exchanges it
  double held_until = 0;

  int left = 20;  // of a quota
  double reset = kNever;

  Condition At(double now) const { return begins <= now && now < ends ? condition : Condition::kNone; }
};

// A kind of outage: what the exchange and the agent answer (kOk: they work), how often, and whether API keys are hit.
struct OutageKind {
  const char* name;
  Said exchange;
  Said agent;
  double share = 1;
  bool keys_too = true;
};

inline const std::vector<OutageKind>& OutageKinds() {
  static const std::vector<OutageKind> kinds = {
      {"exchange 503", Said::kUnavailable, Said::kOk, 1, false},
      {"exchange html 502", Said::kUnavailableByEdge, Said::kOk, 1, false},
      {"exchange rate limit", Said::kTooMany, Said::kOk, 1, false},
      {"exchange html 403", Said::kForbiddenByProxy, Said::kOk, 1, false},
      {"exchange bad key", Said::kBadKey, Said::kOk, 1, false},
      {"exchange refuses all", Said::kRefused, Said::kOk, 1, false},
      {"agent 503", Said::kOk, Said::kUnavailable},
      {"agent html 502", Said::kOk, Said::kUnavailableByEdge},
      {"agent 500", Said::kOk, Said::kServerError},
      {"proxy html 403", Said::kForbiddenByProxy, Said::kForbiddenByProxy},
      {"portal html 200", Said::kPortal, Said::kPortal},
      {"network lost", Said::kLost, Said::kLost},
      {"login 401", Said::kOk, Said::kUnauthorized},
      {"login 401, JWTs", Said::kOk, Said::kUnauthorized, 1, false},
      {"flapping 500", Said::kOk, Said::kServerError, 0.4},
      {"flapping 401", Said::kOk, Said::kUnauthorized, 0.4},
  };
  return kinds;
}

struct Outage {
  double begins;
  double ends;
  const OutageKind* kind;
  std::optional<double> retry_after{};
};

struct SimAnswer {
  Said said = Said::kOk;
  std::optional<double> retry_after{};
};

class World {
 public:
  World(std::vector<SimToken> tokens, std::vector<Outage> outages, std::uint64_t seed)
      : tokens_(std::move(tokens)), outages_(std::move(outages)), random_(seed) {}

  std::vector<SimToken>& tokens() { return tokens_; }
  const std::vector<Outage>& outages() const { return outages_; }
  // Attempts in each second of an outage.
  const std::vector<int>& calls() const { return calls_; }

  SimAnswer Answer(std::size_t token, double now, int prompt, bool exchange, bool ask_only = false) {
    SimToken& t = tokens_[token];
    const Condition fault = t.At(now);
    for (const Outage& outage : outages_) {
      if (now < outage.begins || now >= outage.ends) continue;
      if (!ask_only) Count(now - outage.begins);
      const Said said = exchange ? outage.kind->exchange : outage.kind->agent;
      if (said == Said::kOk || (t.api_key && !outage.kind->keys_too)) break;
      if (outage.kind->share < 1 && (ask_only || Random() >= outage.kind->share)) break;
      return {said, said == Said::kUnavailable ? outage.retry_after : std::nullopt};
    }
    if (exchange) {
      if (fault == Condition::kFinal) return {Said::kFinal};
      return {fault == Condition::kRefused ? Said::kRefused : Said::kOk};
    }
    switch (fault) {
      case Condition::kUnauthorized:
        return {Said::kUnauthorized};
      case Condition::kForbidden:
        return {Said::kForbidden};
      case Condition::kServerError:
        return {Said::kServerError};
      case Condition::kTooMany:
        return {Said::kTooMany, 20};
      case Condition::kFinal:
      case Condition::kRefused:
        if (t.api_key) return {Said::kUnauthorized};
        break;
      default:
        break;
    }
    if ((fault == Condition::kEdge && prompt % 2 == 1) || prompt == 99) return {Said::kForbiddenByProxy};
    if (fault != Condition::kQuota) return {};
    if (t.reset <= now) {
      t.left = 20;
      t.reset = kNever;
    }
    if (t.left > 0) return {};
    return {Said::kQuota, t.reset - now};
  }

  bool Serves(std::size_t token, double now, int prompt, bool needs_exchange) {
    return Answer(token, now, prompt, false, true).said == Said::kOk &&
           (!needs_exchange || Answer(token, now, prompt, true, true).said == Said::kOk);
  }

  // The quota of a token is used.
  void Use(std::size_t token, double now) {
    SimToken& t = tokens_[token];
    if (t.condition != Condition::kQuota || --t.left > 0) return;
    if (t.left == 0) t.reset = now + 1800;
  }

 private:
  double Random() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  void Count(double second) {
    const auto index = static_cast<std::size_t>(second);
    if (calls_.size() <= index) calls_.resize(index + 1);
    ++calls_[index];
  }

  std::vector<SimToken> tokens_;
  std::vector<Outage> outages_;
  std::mt19937_64 random_;
  std::vector<int> calls_;
};

// What comes over the wire.
struct WireAnswer {
  TransferError error = TransferError::kNone;
  HttpHead head;
  std::string body;
};

inline WireAnswer OnWire(const SimAnswer& answer, const std::string& good_body) {
  const std::string html = "<html><body>An answer of somebody else's</body></html>";
  WireAnswer wire;
  const auto say = [&](int status, const char* type, std::string body) {
    wire.head = {status, {{"content-type", type}}};
    wire.body = std::move(body);
  };
  switch (answer.said) {
    case Said::kOk:
      say(200, "application/json", good_body);
      break;
    case Said::kUnauthorized:
      say(401, "application/json", R"({"error": "not logged in"})");
      break;
    case Said::kForbidden:
      say(403, "application/json", R"({"error": "not allowed"})");
      break;
    case Said::kRefused:
      say(400, "application/json", R"({"error": {"code": 400, "message": "SOMETHING_ODD"}})");
      break;
    case Said::kFinal:
      say(400, "application/json", R"({"error": {"code": 400, "message": "TOKEN_EXPIRED"}})");
      break;
    case Said::kQuota:
      say(429, "application/json", R"({"error": "No remaining quota"})");
      break;
    case Said::kServerError:
      say(500, "application/json", "");
      break;
    case Said::kUnavailable:
      say(503, "application/json", R"({"error": "busy"})");
      break;
    case Said::kUnavailableByEdge:
      say(502, "text/html", html);
      break;
    case Said::kTooMany:
      say(429, "application/json", R"({"error": "too many requests"})");
      break;
    case Said::kForbiddenByProxy:
      say(403, "text/html", html);
      break;
    case Said::kPortal:
      say(200, "text/html", html);
      break;
    case Said::kLost:
      wire.error = TransferError::kNoConnection;
      break;
    case Said::kBadKey:
      say(400, "application/json", R"({"error": {"code": 400, "message": "PROJECT_NUMBER_MISMATCH"}})");
      break;
  }
  if (answer.retry_after) {
    const auto seconds = static_cast<long>(*answer.retry_after + 0.999);
    wire.head.headers.emplace_back("retry-after", std::to_string(seconds));
  }
  return wire;
}

// A request of the program's.
struct SimRequest {
  double begins = 0;
  int prompt = 0;
  double length = 5;     // of its answer
  double patience = 30;  // how long it may wait in all
  int conversation = -1;
};

struct Story {
  World world;
  std::vector<SimRequest> requests;
};

// Two hours: each token with its condition, outages that come and go, requests most of all around them.
inline Story DrawStory(std::uint64_t seed, int size) {
  std::mt19937_64 random(seed * 1000 + static_cast<std::uint64_t>(size));
  const auto uniform = [&](double from, double to) { return std::uniform_real_distribution<double>(from, to)(random); };
  const auto pick = [&](auto... values) {
    const std::vector<double> all = {static_cast<double>(values)...};
    return all[std::uniform_int_distribution<std::size_t>(0, all.size() - 1)(random)];
  };
  constexpr int kConditions = 8;
  std::vector<SimToken> tokens;
  for (int i = 0; i < size; ++i) {
    SimToken t;
    t.begins = pick(0, 0, uniform(0, 5000));
    const auto condition = static_cast<Condition>(1 + std::uniform_int_distribution<int>(0, kConditions - 1)(random));
    t.ends = condition == Condition::kFinal ? kNever : t.begins + pick(600, 3000, kNever);
    t.tier = static_cast<int>(pick(0, 0, 1, 2));
    t.api_key = uniform(0, 1) < 0.2;
    t.condition = uniform(0, 1) < 0.4 ? condition : Condition::kNone;
    t.jwt_until = uniform(0, 3600);
    t.held_from = uniform(0, 36000);
    t.held_until = t.held_from + pick(3, 60);
    tokens.push_back(t);
  }
  std::vector<Outage> outages;
  std::vector<SimRequest> requests;
  const auto request = [&](double begins) {
    SimRequest r;
    r.begins = begins;
    requests.push_back(r);
  };
  const auto gap = [&] { return std::exponential_distribution<double>(1.0 / 1200)(random); };
  for (double now = gap(); now < 6600; now += gap()) {
    const double end = now + pick(2, 5, 10, 20, 60, 300);
    const auto& kinds = OutageKinds();
    const auto kind = std::uniform_int_distribution<std::size_t>(0, kinds.size() - 1)(random);
    const double retry_after = pick(-1, 2, 20, 60, 300);
    outages.push_back({now, end, &kinds[kind], retry_after < 0 ? std::nullopt : std::optional(retry_after)});
    for (int i = 0; i < 20; ++i) request(uniform(now, end + 60));
    for (int i = 0; i < 10; ++i) request(uniform(now, now + 2));
    now = end;
  }
  for (int i = 0; i < 120; ++i) request(uniform(0, 7200));
  std::sort(requests.begin(), requests.end(), [](const auto& a, const auto& b) { return a.begins < b.begins; });
  for (SimRequest& r : requests) {
    r.prompt = uniform(0, 1) < 0.01 ? 99 : std::uniform_int_distribution<int>(0, 9)(random);
    r.length = pick(1, 5, 30, 120);
    r.patience = pick(30, 30, 60, 10);
    r.conversation = uniform(0, 1) < 0.4 ? std::uniform_int_distribution<int>(0, 5)(random) : -1;
  }
  return {World(std::move(tokens), std::move(outages), seed), std::move(requests)};
}

}  // namespace warppool::internal::worlds
