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

constexpr std::int64_t kRecordFormat = 2;
constexpr std::int64_t kFormatOf010 = 1;  // of 0.1.0
constexpr std::int64_t kMostInt64 = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kMostUint64 = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t kLastMillisecond = std::chrono::duration_cast<milliseconds>(WallTime::duration::max()).count();
constexpr std::int64_t kLongestDuration = 1'000'000'000'000;  // 31 years
constexpr std::int64_t kMostLife = 1'000'000'000;             // can still be added to the time of either clock
// Codes that this version does not know yet are kept as they are.
constexpr std::int64_t kMostCode = 9'999;

// Format 1 has some names of its own: failures are "strikes" there, and who is revoked is "dead".
std::string OutcomeMember(std::size_t outcome, std::int64_t format) {
  if (format == kFormatOf010 && static_cast<Outcome>(outcome) == Outcome::kAuthRevoked) return "auth_dead";
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

void WriteDuration(JsonWriter& json, std::string_view member, milliseconds duration) {
  json.Key(member).Number(std::clamp<std::int64_t>(duration.count(), 0, kLongestDuration));
}

void WriteJwt(JsonWriter& json, const StoredJwt& jwt) {
  json.Key("jwt").Object([&] {
    json.Key("text").String(jwt.text.Reveal());
    WriteTime(json, "expires", jwt.expires);
    json.Key("life").Number(std::clamp<std::int64_t>(jwt.life.count(), 0, kMostLife));
  });
}

void WriteExchange(JsonWriter& json, const StoredExchange& exchange) {
  json.Key("exchange").Object([&] {
    json.Key("candidates").Array([&] {
      for (const Secret& candidate : exchange.candidates) json.String(candidate.Reveal());
    });
    if (!exchange.refused.empty()) json.Key("refused").String(exchange.refused);
    json.Key("number").Number(exchange.number);
    json.Key("renewal").Number(exchange.renewal);
    json.Key("owed").Array([&] {
      for (const OwedAnswer& owed : exchange.owed) {
        json.Object([&] {
          json.Key("number").Number(owed.number);
          WriteDuration(json, "seen", owed.seen);
        });
      }
    });
  });
}

void WriteHealth(JsonWriter& json, const StoredHealth& health) {
  json.Key("health").Object([&] {
    json.Key("failures").Number(health.failures);
    json.Key("disabled").Bool(health.disabled);
    if (health.cooling_until) WriteTime(json, "cooling_until", *health.cooling_until);
    WriteDuration(json, "cooling_for", health.cooling_for);
    WriteDuration(json, "recovery_delay", health.recovery_delay);
    json.Key("code").Number(static_cast<int>(health.code));
    json.Key("reason").String(health.reason);
  });
}

void WriteCounters(JsonWriter& json, const Counters& counters) {
  json.Key("counters").Object([&] {
    json.Key("requests").Number(counters.requests);
    json.Key("failures").Number(counters.failures);
    json.Key("refreshes").Number(counters.refreshes);
    json.Key("outcomes").Object([&] {
      for (std::size_t i = 0; i < kOutcomeCount; ++i) {
        json.Key(OutcomeMember(i, kRecordFormat)).Number(counters.outcomes[i]);
      }
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
    json.Key("links").Array([&] {
      for (const std::string& key : token.links) json.String(key);
    });
    if (token.jwt) WriteJwt(json, *token.jwt);
    WriteExchange(json, token.exchange);
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
    Each(path, [&](const std::string& element) { keys.push_back(Key(element)); });
    return keys;
  }
  milliseconds Duration(const std::string& path) {
    return milliseconds(Number(path, std::int64_t{0}, kLongestDuration));
  }
  // The elements of a list at `path`, one after the other: `read` is given the path of each, also when it is of another
  // kind than it should be, and finds that out. A null ends the list.
  template <typename Read>
  void Each(const std::string& path, const Read& read) {
    if (json_.Find(path) != nullptr) Fault(path, "is no list");
    for (std::size_t i = 0; fault_.ok(); ++i) {
      const std::string element = fmt::format("{}.{}", path, i);
      if (!json_.HasMember(element)) return;
      read(element);
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

StoredExchange ReadExchangeState(Members& members) {
  StoredExchange exchange;
  members.Each("exchange.candidates",
               [&](const std::string& element) { exchange.candidates.push_back(members.NonEmptySecret(element)); });
  if (members.Has("exchange.refused")) exchange.refused = members.Key("exchange.refused");
  exchange.number = members.Number("exchange.number", std::uint64_t{0}, kMostUint64);
  exchange.renewal = members.Number("exchange.renewal", std::uint64_t{0}, kMostUint64);
  members.Each("exchange.owed", [&](const std::string& element) {
    exchange.owed.push_back(
        {members.Number(element + ".number", std::uint64_t{1}, kMostUint64), members.Duration(element + ".seen")});
  });
  return exchange;
}

StoredHealth ReadHealth(Members& members, const char* failures) {
  StoredHealth health;
  health.failures = members.Number(failures, 0, std::numeric_limits<int>::max());
  health.disabled = members.Bool("health.disabled");
  health.cooling_until = members.TimeIfAny("health.cooling_until");
  health.code = static_cast<Code>(members.Number("health.code", std::int64_t{0}, kMostCode));
  health.reason = members.Text("health.reason");
  return health;
}

Counters ReadCounters(Members& members, std::int64_t format) {
  Counters counters;
  counters.requests = members.Count("counters.requests");
  counters.failures = members.Count(format == kFormatOf010 ? "counters.strikes" : "counters.failures");
  counters.refreshes = members.Count("counters.refreshes");
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    counters.outcomes[i] = members.Count("counters.outcomes." + OutcomeMember(i, format));
  }
  Latency& latency = counters.first_event;
  latency.sum = milliseconds(members.Number("counters.first_event.sum", std::int64_t{0}, kMostInt64));
  for (std::size_t i = 0; i < latency.buckets.size(); ++i) {
    latency.buckets[i] = members.Count("counters.first_event." + BucketMember(i));
  }
  return counters;
}

Result<OpenedRecord> ReadRecord(const FlatJson& json, const Secret& key_credential) {
  Members members(json);
  const auto format = members.Number("format", std::int64_t{1}, kMostInt64);
  if (members.fault().ok() && format > kRecordFormat) {
    return Status(Code::kInvalidConfig,
                  fmt::format("a record in the store was written by a later version of the library: it has format {}, "
                              "and this one reads {}",
                              format, kRecordFormat));
  }
  OpenedRecord opened;
  if (members.Has("leads_to")) {
    opened.leads_to = members.NonEmptySecret("leads_to");
    if (!members.fault().ok()) return members.fault();
    return opened;
  }
  StoredToken& token = opened.token;
  token.credential = members.NonEmptySecret("credential");
  token.serial = members.Number("serial", std::uint64_t{0}, kMostUint64);
  token.jwt = ReadJwt(members);
  token.counters = ReadCounters(members, format);
  token.last_used = members.TimeIfAny("last_used");
  if (format == kFormatOf010) {
    token.health = ReadHealth(members, "health.strikes");
    // Each credential of a login had a record, and the newest is that of the credential that counts.
    if (token.credential != key_credential) opened.leads_to = token.credential;
    if (members.Bool("health.dead")) {
      token.health.disabled = false;
      token.exchange.refused = RecordKey(token.credential);
    }
  } else {
    token.links = members.Keys("links");
    token.exchange = ReadExchangeState(members);
    token.health = ReadHealth(members, "health.failures");
    token.health.cooling_for = members.Duration("health.cooling_for");
    token.health.recovery_delay = members.Duration("health.recovery_delay");
  }
  if (!members.fault().ok()) return members.fault();
  return opened;
}

}  // namespace

std::string SealRecord(const StoredToken& token, const Secret& key_credential) {
  JsonWriter json;
  WriteToken(json, token);
  return Seal(key_credential, json.text());
}

std::string SealLink(const Secret& leads_to, const Secret& key_credential) {
  JsonWriter json;
  json.Object([&] {
    json.Key("format").Number(kRecordFormat);
    json.Key("leads_to").String(leads_to.Reveal());
  });
  return Seal(key_credential, json.text());
}

Result<OpenedRecord> OpenRecord(std::string_view sealed, const Secret& key_credential) {
  return Guarded([&]() -> Result<OpenedRecord> {
    const auto plain = Unseal(key_credential, sealed);
    if (!plain.ok()) return plain.status();
    const auto json = FlatJson::Parse(plain->Reveal());
    if (!json.ok()) {
      if (json.code() != Code::kInvalidArgument) return json.status();
      return Status(Code::kInvalidArgument, "the record cannot be used: " + json.status().message());
    }
    return ReadRecord(*json, key_credential);
  });
}

}  // namespace warppool::internal
