#include "client/state_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/guarded.h"
#include "store/seal.h"

namespace warppool::internal {
namespace {

constexpr const char* kRecordsLock = "records";
constexpr std::chrono::seconds kRecordsPatience{10};
// Links from one credential to the next that are followed. Each run of a program shortens the way to one step.
constexpr int kMostSteps = 1000;
// Records of one login. The oldest go: credentials that were replaced so often do not come back.
constexpr std::size_t kLongestTrail = 32;

}  // namespace

std::shared_ptr<const Jwt> ReviveJwt(const StoredJwt& stored, SteadyTime now, WallTime wall_now) {
  if (stored.expires <= wall_now) return nullptr;
  Jwt jwt = MakeJwt(stored.text, stored.life, now, wall_now);
  const auto left = std::min<SteadyTime::duration>(stored.expires - wall_now, jwt.expires_at - now);
  const auto lead = jwt.expires_at - jwt.refresh_at;
  jwt.expires_at = now + left;
  jwt.refresh_at = jwt.expires_at - lead;
  jwt.expires_at_wall = wall_now + std::chrono::duration_cast<WallTime::duration>(left);
  return std::make_shared<const Jwt>(std::move(jwt));
}

StateRecords::Known& StateRecords::KnownOf(const std::shared_ptr<Token>& token) {
  const auto [it, is_new] = known_.try_emplace(token.get());
  if (is_new) it->second = {token, RecordKey(token->configured()), {}};
  return it->second;
}

// Inside already, it is as if `change` were part of what is done there.
template <typename Change>
Status StateRecords::UnderLock(const Change& change) {
  if (is_locked_) return Guarded([&] { return change(); });
  auto locked = Guarded([&] { return store_->Lock(kRecordsLock, kRecordsPatience); });
  if (!locked.ok()) return locked.status();
  if (!*locked) return {Code::kTimeout, "another process keeps the store locked"};
  is_locked_ = true;
  Status status = Guarded([&] { return change(); });
  is_locked_ = false;
  store_->Unlock(kRecordsLock);
  for (const auto& [token, why] : std::exchange(complaints_, {})) complain_(token, why);
  return status;
}

// Not while the records are locked: whoever hears of it may take its time.
void StateRecords::Complain(const std::shared_ptr<Token>& token, const Status& why) {
  if (!is_locked_) return complain_(token, why);
  complaints_.emplace_back(token, why);
}

Result<std::optional<StoredToken>> StateRecords::ReadOne(const std::shared_ptr<Token>& token,
                                                         const Secret& credential) {
  const std::string key = RecordKey(credential);
  auto sealed = Guarded([&] { return store_->Read(key); });
  if (!sealed.ok()) return sealed.status();
  if (!*sealed) return std::optional<StoredToken>();
  auto opened = OpenRecord(**sealed, credential);
  if (opened.ok()) return std::optional(*std::move(opened));
  if (opened.code() != Code::kInvalidArgument) return opened.status();
  Complain(token, Status(Code::kInternal, fmt::format("a record in the store does not open, and is set aside: {}",
                                                      opened.status().message())));
  bool is_replaced = false;
  const Status aside = UnderLock([&] {
    const auto present = store_->Read(key);
    if (!present.ok()) return present.status();
    is_replaced = *present != *sealed;
    return is_replaced ? Status() : store_->Write({{key + ".aside", **sealed}, {key, std::nullopt}});
  });
  if (!aside.ok()) Complain(token, aside);
  if (aside.ok() && is_replaced) return ReadOne(token, credential);  // somebody did so in this very moment
  return std::optional<StoredToken>();
}

Result<std::optional<StoredToken>> StateRecords::Find(const std::shared_ptr<Token>& token) {
  std::optional<StoredToken> newest;
  std::vector<Secret> starts{token->credential()};
  if (starts[0] != token->configured()) starts.push_back(token->configured());
  for (Secret& start : starts) {
    Secret credential = std::move(start);
    for (int step = 0; step < kMostSteps; ++step) {
      auto read = ReadOne(token, credential);
      if (!read.ok()) return read.status();
      if (!*read) break;
      StoredToken& stored = **read;
      const bool goes_on = stored.credential != credential && (!newest || stored.serial >= newest->serial);
      credential = stored.credential;
      if (!newest || stored.serial >= newest->serial) newest = std::move(stored);
      if (!goes_on) break;
    }
  }
  if (newest) KnownOf(token).lineage = newest->lineage;
  return newest;
}

Counters StateRecords::NoteRestored(const std::shared_ptr<Token>& token, const StoredToken& stored) {
  Known& known = KnownOf(token);
  Counters news = stored.counters;
  news -= known.counted;
  known.counted = stored.counters;
  return news;
}

std::string StateRecords::ExchangeLock(const std::shared_ptr<Token>& token) {
  return "exchange." + KnownOf(token).lineage;
}

Result<StoredToken> StateRecords::Newest(const std::shared_ptr<Token>& token, Secret* spent) {
  auto found = Find(token);
  if (!found.ok()) return found.status();
  StoredToken stored;
  if (*found) stored = **std::move(found);
  if (stored.lineage.empty()) stored.lineage = KnownOf(token).lineage;
  // One that could not be written when it was issued.
  if (stored.credential.empty() || stored.serial < token->serial()) {
    if (spent != nullptr) *spent = stored.credential;
    stored.credential = token->credential();
    stored.serial = token->serial();
  }
  return stored;
}

void StateRecords::Write(const Token& token, StoredToken* stored, const Secret& more,
                         std::vector<StateChange>* changes) {
  std::vector<const Secret*> credentials{&token.configured(), &stored->credential};
  if (!more.empty()) credentials.push_back(&more);
  std::vector<std::string>& trail = stored->trail;
  for (const Secret* credential : credentials) {
    const std::string key = RecordKey(*credential);
    // The newest last: in use, and not to be dropped.
    trail.erase(std::remove(trail.begin(), trail.end(), key), trail.end());
    trail.push_back(key);
  }
  while (trail.size() > kLongestTrail) {
    changes->push_back({trail.front(), std::nullopt});
    trail.erase(trail.begin());
  }
  std::vector<std::string> written;
  for (const Secret* credential : credentials) {
    std::string key = RecordKey(*credential);
    if (std::find(written.begin(), written.end(), key) != written.end()) continue;
    written.push_back(key);
    changes->push_back({std::move(key), SealRecord(*stored, *credential)});
  }
}

// Whether a write that failed has made its changes all the same. Each of them is sealed anew, so that none looks like
// what was there before.
bool StateRecords::Holds(const StateChange& change) {
  const auto there = store_->Read(change.key);
  return there.ok() && *there == change.value;
}

Status StateRecords::Save(const std::vector<PoolRecords::Kept>& tokens) {
  return UnderLock([&] {
    std::vector<StateChange> changes;
    for (const PoolRecords::Kept& kept : tokens) {
      if (kept.token->kind() == CredentialKind::kCallback) continue;
      Secret spent;
      auto stored = Newest(kept.token, &spent);
      if (!stored.ok()) return stored.status();
      if (kept.health_changed) {
        const Status& why = kept.why;
        stored->health = {kept.failures, kept.disabled, kept.revoked, kept.cooling_until, why.code(), why.message()};
      }
      Counters since = kept.counters;
      since -= KnownOf(kept.token).counted;
      stored->counters += since;
      if (kept.last_used && (!stored->last_used || *stored->last_used < *kept.last_used)) {
        stored->last_used = kept.last_used;
      }
      const auto jwt = kept.token->jwt();
      if (stored->jwt && !jwt && kept.token->Knows(stored->jwt->text)) stored->jwt.reset();  // it was refused
      Write(*kept.token, &*stored, spent, &changes);
    }
    if (changes.empty()) return Status();
    Status status = store_->Write(changes);
    if (!status.ok() && !Holds(changes.back())) return status;
    for (const PoolRecords::Kept& kept : tokens) {
      if (kept.token->kind() != CredentialKind::kCallback) KnownOf(kept.token).counted = kept.counters;
    }
    return status;
  });
}

Status StateRecords::Save(const std::shared_ptr<Token>& token, const Issuance& issued) {
  return UnderLock([&] {
    auto stored = Newest(token, nullptr);
    if (!stored.ok()) return stored.status();
    const Secret before = stored->credential;
    stored->credential = issued.credential;
    if (issued.rotated) ++stored->serial;
    if (issued.jwt) stored->jwt = StoredJwt{issued.jwt->text, issued.jwt->expires_at_wall, issued.jwt->life};
    std::vector<StateChange> changes;
    Write(*token, &*stored, before, &changes);
    return store_->Write(changes);
  });
}

}  // namespace warppool::internal
