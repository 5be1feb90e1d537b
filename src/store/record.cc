#include "store/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/guarded.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "store/record_key.h"
#include "store/seal.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kRecordFormat = 1;
constexpr std::int64_t kMostInt64 = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLastMillisecond = std::chrono::duration_cast<milliseconds>(WallTime::duration::max()).count();
constexpr std::int64_t kMostLife = 1'000'000'000;  // can still be added to the time of either clock
// Codes that this version does not know yet are kept as they are.
constexpr std::int64_t kMostCode = 9'999;

// The names of format 1 stay, whatever is called otherwise since then: failures are "strikes" there.
std::string OutcomeMember(std::size_t outcome) {
  if (static_cast<Outcome>(outcome) == Outcome::kAuthRevoked) return "auth_dead";
  return OutcomeName(static_cast<Outcome>(outcome));
}
std::string BucketMember(std::size_t bucket) {
  return bucket < Latency::kBoundsMs.size() ? fmt::to_string(Latency::kBoundsMs[bucket]) : "more";
}

// --- Writing ---

void WriteTime(JsonWriter& json, std::string_view member, WallTime time) {
  const auto since_1970 = std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
  json.Key(member).Number(std::max<std::int64_t>(since_1970.count(), 0));
}

void WriteJwt(JsonWriter& json, const StoredJwt& jwt) {
  json.Key("jwt").Object([&] {
    json.Key("text").String(jwt.text.Reveal());
    WriteTime(json, "expires", jwt.expires);
    json.Key("life").Number(std::clamp<std::int64_t>(jwt.life.count(), 0, kMostLife));
  });
}

void WriteHealth(JsonWriter& json, const StoredHealth& health) {
  json.Key("health").Object([&] {
    json.Key("strikes").Number(health.failures);
    json.Key("disabled").Bool(health.disabled);
    json.Key("dead").Bool(health.dead);
    if (health.cooling_until) WriteTime(json, "cooling_until", *health.cooling_until);
    json.Key("code").Number(static_cast<int>(health.code));
    json.Key("reason").String(health.reason);
  });
}

void WriteCounters(JsonWriter& json, const Counters& counters) {
  json.Key("counters").Object([&] {
    json.Key("requests").Number(counters.requests);
    json.Key("strikes").Number(counters.failures);
    json.Key("refreshes").Number(counters.refreshes);
    json.Key("outcomes").Object([&] {
      for (std::size_t i = 0; i < kOutcomeCount; ++i) json.Key(OutcomeMember(i)).Number(counters.outcomes[i]);
    });
    json.Key("first_event").Object([&] {
      const Latency& latency = counters.first_event;
      json.Key("sum").Number(std::int64_t{latency.sum.count()});
      for (std::size_t i = 0; i < latency.buckets.size(); ++i) json.Key(BucketMember(i)).Number(latency.buckets[i]);
    });
  });
}

void WriteToken(JsonWriter& json, const StoredToken& token) {
  json.Object([&] {
    json.Key("format").Number(kRecordFormat);
    json.Key("credential").String(token.credential.Reveal());
    json.Key("serial").Number(token.serial);
    json.Key("lineage").String(token.lineage);
    json.Key("trail").Array([&] {
      for (const std::string& key : token.trail) json.String(key);
    });
    if (token.jwt) WriteJwt(json, *token.jwt);
    WriteHealth(json, token.health);
    WriteCounters(json, token.counters);
    if (token.last_used) WriteTime(json, "last_used", *token.last_used);
  });
}

// --- Reading ---

// The members of a record. The first one that is not as it should be is remembered; what is read after it is of no use.
class Members {
 public:
  explicit Members(const FlatJson& json) : json_(json) {}

  // Parts of a number, signs, fractions and exponents included, make it none of the range.
  template <typename Integer>
  Integer Number(const std::string& path, Integer least, Integer most) {
    const std::string* text = Required(path);
    return text == nullptr ? least : Parsed(path, *text, least, most);
  }
  // What a version that did not count it left out is 0.
  std::uint64_t Count(const std::string& path) {
    const std::string* text = json_.Find(path);
    return text == nullptr ? 0 : Parsed(path, *text, std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max());
  }
  bool Bool(const std::string& path) {
    const std::string* text = Required(path);
    if (text == nullptr) return false;
    if (*text != "true" && *text != "false") Fault(path, "is neither true nor false");
    return *text == "true";
  }
  WallTime Time(const std::string& path) {
    return WallTime(milliseconds(Number(path, std::int64_t{0}, kLastMillisecond)));
  }
  std::optional<WallTime> TimeIfAny(const std::string& path) {
    if (json_.Find(path) == nullptr) return std::nullopt;
    return Time(path);
  }
  std::string Text(const std::string& path) {
    const std::string* text = Required(path);
    return text == nullptr ? std::string() : *text;
  }
  Secret NonEmptySecret(const std::string& path) {
    const std::string* text = Required(path);
    if (text == nullptr) return {};
    if (text->empty()) Fault(path, "is empty");
    return Secret(*text);
  }
  std::string Key(const std::string& path) {
    std::string key = Text(path);
    if (!IsRecordKey(key)) Fault(path, "is no key");
    return key;
  }
  std::vector<std::string> Keys(const std::string& path) {
    std::vector<std::string> keys;
    if (json_.Find(path) != nullptr) Fault(path, "is no list");
    for (;;) {
      const std::string element = fmt::format("{}.{}", path, keys.size());
      if (json_.Find(element) == nullptr) return keys;
      keys.push_back(Key(element));
    }
  }
  bool Has(const std::string& path) const { return json_.Find(path) != nullptr; }

  void Fault(const std::string& path, std::string_view what) {
    if (!fault_.ok()) return;
    fault_ = Status(Code::kInvalidArgument, fmt::format("the record cannot be used: \"{}\" {}", path, what));
  }
  const Status& fault() const { return fault_; }

 private:
  const std::string* Required(const std::string& path) {
    const std::string* text = json_.Find(path);
    if (text == nullptr) Fault(path, "is missing");
    return text;
  }
  template <typename Integer>
  Integer Parsed(const std::string& path, const std::string& text, Integer least, Integer most) {
    Integer value{};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end && value >= least && value <= most) return value;
    Fault(path, "is out of its range");
    return least;
  }

  const FlatJson& json_;
  Status fault_;
};

std::optional<StoredJwt> ReadJwt(Members& members) {
  if (!members.Has("jwt.text") && !members.Has("jwt.expires") && !members.Has("jwt.life")) return std::nullopt;
  return StoredJwt{members.NonEmptySecret("jwt.text"), members.Time("jwt.expires"),
                   seconds(members.Number("jwt.life", std::int64_t{0}, kMostLife))};
}

StoredHealth ReadHealth(Members& members) {
  StoredHealth health;
  health.failures = members.Number("health.strikes", 0, std::numeric_limits<int>::max());
  health.dead = members.Bool("health.dead");
  health.disabled = members.Bool("health.disabled") || health.dead;
  health.cooling_until = members.TimeIfAny("health.cooling_until");
  health.code = static_cast<Code>(members.Number("health.code", std::int64_t{0}, kMostCode));
  health.reason = members.Text("health.reason");
  return health;
}

Counters ReadCounters(Members& members) {
  Counters counters;
  counters.requests = members.Count("counters.requests");
  counters.failures = members.Count("counters.strikes");
  counters.refreshes = members.Count("counters.refreshes");
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    counters.outcomes[i] = members.Count("counters.outcomes." + OutcomeMember(i));
  }
  Latency& latency = counters.first_event;
  latency.sum = milliseconds(members.Number("counters.first_event.sum", std::int64_t{0}, kMostInt64));
  for (std::size_t i = 0; i < latency.buckets.size(); ++i) {
    latency.buckets[i] = members.Count("counters.first_event." + BucketMember(i));
  }
  return counters;
}

Result<StoredToken> ReadToken(const FlatJson& json) {
  Members members(json);
  const auto format = members.Number("format", std::int64_t{1}, kMostInt64);
  if (members.fault().ok() && format > kRecordFormat) {
    return Status(Code::kInvalidArgument,
                  fmt::format("the record was written by a later version: it has format {}, and this one reads {}",
                              format, kRecordFormat));
  }
  StoredToken token;
  token.credential = members.NonEmptySecret("credential");
  token.serial = members.Number("serial", std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max());
  token.lineage = members.Key("lineage");
  token.trail = members.Keys("trail");
  token.jwt = ReadJwt(members);
  token.health = ReadHealth(members);
  token.counters = ReadCounters(members);
  token.last_used = members.TimeIfAny("last_used");
  if (!members.fault().ok()) return members.fault();
  return token;
}

}  // namespace

std::string SealRecord(const StoredToken& token, const Secret& key_credential) {
  JsonWriter json;
  WriteToken(json, token);
  return Seal(key_credential, json.text());
}

Result<StoredToken> OpenRecord(std::string_view sealed, const Secret& key_credential) {
  return Guarded([&]() -> Result<StoredToken> {
    const auto plain = Unseal(key_credential, sealed);
    if (!plain.ok()) return plain.status();
    const auto json = FlatJson::Parse(plain->Reveal());
    if (!json.ok()) {
      if (json.code() != Code::kInvalidArgument) return json.status();
      return Status(Code::kInvalidArgument, "the record cannot be used: " + json.status().message());
    }
    return ReadToken(*json);
  });
}

}  // namespace warppool::internal
