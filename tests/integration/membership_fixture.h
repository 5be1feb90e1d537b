// What the tests of membership share: tokens, their numbers, requests that are held at the service.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fixture.h"

namespace warppool {

inline TokenConfig TokenOf(const std::string& credential, Tier tier = Tier::kPersonal, const std::string& name = "") {
  TokenConfig token;
  token.credential = Secret(credential);
  token.tier = tier;
  token.name = name;
  return token;
}

inline TokenConfig ApiKeyOf(const std::string& key, const std::string& name = "") {
  TokenConfig token = TokenOf(key, Tier::kPersonal, name);
  token.kind = CredentialKind::kApiKey;
  return token;
}

// The token that the next request gets, or why there is none.
inline std::string NextServed(World* world) {
  const auto answer = world->Ask(Impatient());
  return answer.ok() ? answer->token : answer.status().ToString();
}

inline std::vector<std::string> NamesIn(const Client& client) {
  std::vector<std::string> names;
  for (const TokenStatus& token : client.Pool().tokens) names.push_back(token.name);
  return names;
}

// Nothing if there is no such token.
inline std::optional<TokenStatus> StatusOf(const Client& client, const std::string& name) {
  for (TokenStatus& token : client.Pool().tokens) {
    if (token.name == name) return std::move(token);
  }
  return std::nullopt;
}

inline Counters CountersOf(const Client& client, const std::string& name) {
  for (const TokenStats& token : client.Statistics().tokens) {
    if (token.name == name) return token.counters;
  }
  return {};
}

inline Counters CountersOf(const Client& client, Tier tier) {
  for (const TierStats& stats : client.Statistics().tiers) {
    if (stats.tier == tier) return stats.counters;
  }
  return {};
}

// What counts of `counters` can be seen to fall, one after the other.
inline std::vector<std::uint64_t> Parts(const Counters& counters) {
  std::vector<std::uint64_t> parts(counters.outcomes.begin(), counters.outcomes.end());
  parts.insert(parts.end(), {counters.requests, counters.failures, counters.refreshes, counters.first_event.Count()});
  return parts;
}

// Looks at a client's numbers from time to time: those of tiers and the totals must only grow, and the totals be the
// sum of the tiers. Not thread-safe.
class GrowthWatch {
 public:
  // Empty: all is as it should be.
  std::string Look(const Client& client) {
    const Stats stats = client.Statistics();
    std::map<std::string, std::vector<std::uint64_t>> seen;
    std::vector<std::uint64_t> sum(Parts({}).size());
    for (const TierStats& tier : stats.tiers) {
      const auto parts = seen[TierName(tier.tier)] = Parts(tier.counters);
      for (std::size_t i = 0; i < parts.size(); ++i) sum[i] += parts[i];
    }
    if (sum != Parts(stats.total)) return "the totals are not the sum of the tiers";
    seen["total"] = sum;
    for (const auto& [what, before] : std::exchange(seen_, seen)) {
      for (std::size_t i = 0; i < before.size(); ++i) {
        if (seen_[what].size() <= i || seen_[what][i] < before[i])
          return what + " has fallen, part " + std::to_string(i);
      }
    }
    return "";
  }

 private:
  std::map<std::string, std::vector<std::uint64_t>> seen_;
};

// Holds the requests of one token at one endpoint, see Gate. Thread-safe; must outlive the service.
class TokenGate {
 public:
  TokenGate(loopback::Endpoint endpoint, std::string token) : endpoint_(endpoint), token_(std::move(token)) {}

  loopback::Service::Decision Decision() {
    return [this](loopback::Endpoint endpoint, const std::string& token) {
      if (endpoint == endpoint_ && token == token_) gate_.Pass();
      return std::optional<loopback::Behaviour>();
    };
  }
  void Close() { gate_.Close(); }
  void Open() { gate_.Open(); }
  bool WaitUntilInside(int count) { return gate_.WaitUntilInside(count); }

 private:
  const loopback::Endpoint endpoint_;
  const std::string token_;
  Gate gate_;
};

// A pushed request, and what came of it.
class Pushed {
 public:
  Pushed(World* world, const Request& request) : recorder_(world) {
    auto started = world->client->Start(request, recorder_.Callbacks());
    REQUIRE(started.ok());
    stream_ = *std::move(started);
  }
  Recorder* operator->() { return &recorder_; }

 private:
  Recorder recorder_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace warppool
