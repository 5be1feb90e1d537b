#include "base/json_writer.h"
#include "base/rfc3339.h"
#include "stats/notation.h"
#include "warppool/stats.h"

namespace warppool::internal {
namespace {

const char* KindName(CredentialKind kind) {
  switch (kind) {
    case CredentialKind::kRefreshToken:
      return "refresh_token";
    case CredentialKind::kApiKey:
      return "api_key";
    case CredentialKind::kCallback:
      return "callback";
  }
  return "unknown";
}

void WriteTime(const std::optional<std::chrono::system_clock::time_point>& time, JsonWriter* json) {
  time ? json->String(WriteRfc3339(ToWallTime(*time))) : json->Null();
}

void WriteLatency(const Latency& latency, JsonWriter* json) {
  json->Object([&] {
    json->Key("count").Number(latency.Count());
    json->Key("sum_seconds").Number(Seconds(latency.sum));
    json->Key("buckets").Array([&] {
      std::uint64_t count = 0;
      for (std::size_t i = 0; i < Latency::kBoundsMs.size(); ++i) {
        count += latency.buckets[i];
        json->Object([&] {
          json->Key("le").Number(Seconds(std::chrono::milliseconds(Latency::kBoundsMs[i])));
          json->Key("count").Number(count);
        });
      }
    });
  });
}

// The members only: they stand beside what else is known of a tier or token.
void WriteCounters(const Counters& counters, JsonWriter* json) {
  json->Key("requests").Number(counters.requests);
  json->Key("successes").Number(counters.Successes());
  json->Key("failed_attempts").Number(counters.FailedAttempts());
  json->Key("outcomes").Object([&] {
    for (std::size_t i = 0; i < kOutcomeCount; ++i) {
      json->Key(OutcomeName(static_cast<Outcome>(i))).Number(counters.outcomes[i]);
    }
  });
  json->Key("failures").Number(counters.failures);
  json->Key("refreshes").Number(counters.refreshes);
  json->Key("first_event");
  WriteLatency(counters.first_event, json);
}

void WriteRequests(const RequestStats& requests, JsonWriter* json) {
  json->Object([&] {
    json->Key("started").Number(requests.started);
    json->Key("succeeded").Number(requests.succeeded);
    json->Key("failed").Number(requests.failed);
    json->Key("cancelled").Number(requests.cancelled);
    json->Key("running").Number(requests.running);
  });
}

void WriteTier(const TierStats& tier, JsonWriter* json) {
  json->Object([&] {
    json->Key("tier").String(TierName(tier.tier));
    json->Key("tokens").Number(tier.tokens);
    json->Key("ready").Number(tier.ready);
    json->Key("in_flight").Number(tier.in_flight);
    WriteCounters(tier.counters, json);
  });
}

void WriteQuota(const std::optional<Quota>& quota, JsonWriter* json) {
  if (!quota) return json->Null();
  json->Object([&] {
    json->Key("unlimited").Bool(quota->unlimited);
    json->Key("limit").Number(quota->limit);
    json->Key("used").Number(quota->used);
    json->Key("bonus").Number(quota->bonus);
    json->Key("remaining");
    quota->unlimited ? json->Null() : json->Number(quota->Remaining());
    json->Key("next_reset");
    WriteTime(quota->next_reset, json);
  });
}

void WriteLastError(const TokenStats& token, JsonWriter* json) {
  if (token.last_error == Code::kOk) return json->Null();
  json->Object([&] {
    json->Key("code").String(CodeName(token.last_error));
    json->Key("message").String(token.last_error_message);
  });
}

void WriteToken(const TokenStats& token, JsonWriter* json) {
  json->Object([&] {
    json->Key("name").String(token.name);
    json->Key("tier").String(TierName(token.tier));
    json->Key("kind").String(KindName(token.kind));
    json->Key("state").String(TokenStateLabel(token.state));
    json->Key("in_flight").Number(token.in_flight);
    WriteCounters(token.counters, json);
    json->Key("last_used");
    WriteTime(token.last_used, json);
    json->Key("jwt_expires");
    WriteTime(token.jwt_expires, json);
    json->Key("last_error");
    WriteLastError(token, json);
    json->Key("quota");
    WriteQuota(token.quota, json);
  });
}

}  // namespace
}  // namespace warppool::internal

namespace warppool {

std::string Stats::ToJson() const {
  internal::JsonWriter json;
  json.Object([&] {
    json.Key("time").String(internal::WriteRfc3339(internal::ToWallTime(time)));
    json.Key("requests");
    internal::WriteRequests(requests, &json);
    json.Key("total").Object([&] { internal::WriteCounters(total, &json); });
    json.Key("tiers").Array([&] {
      for (const TierStats& tier : tiers) internal::WriteTier(tier, &json);
    });
    json.Key("tokens").Array([&] {
      for (const TokenStats& token : tokens) internal::WriteToken(token, &json);
    });
  });
  return json.text();
}

}  // namespace warppool
