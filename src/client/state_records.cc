#include "client/state_records.h"

#include <algorithm>
#include <utility>

#include "store/exchange_rule.h"
#include "store/seal.h"

namespace warppool::internal {

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

void MakeUpForLoss(const Token& token, StoredToken* stored) {
  if (token.serial() <= stored->serial || token.credential() == stored->credential) return;
  Write(token.credential(), std::nullopt, ExchangeTurn{0, token.configured()}, stored);
}

StateRecords::Known& StateRecords::KnownOf(const std::shared_ptr<Token>& token) {
  const auto [it, is_new] = known_.try_emplace(token.get());
  if (is_new) it->second = {token, {}};
  return it->second;
}

Counters StateRecords::NoteRestored(const std::shared_ptr<Token>& token, const StoredToken& stored) {
  Known& known = KnownOf(token);
  Counters news = stored.counters;
  news -= known.counted;
  known.counted = stored.counters;
  return news;
}

void StateRecords::Merge(const PoolRecords::Kept& kept, const Known& known, StoredToken* stored) const {
  MakeUpForLoss(*kept.token, stored);
  if (kept.health_changed) {
    const Status& why = kept.why;
    StoredHealth& health = stored->health;
    health = {kept.failures,       kept.disabled, kept.cooling_until, kept.cooling_for,
              kept.recovery_delay, why.code(),    why.message()};
    // Whether a refresh token is refused for good is judged by the exchange rule.
    const bool is_key = kept.token->kind() == CredentialKind::kApiKey;
    if (is_key) stored->exchange.refused = kept.revoked ? RecordKey(stored->credential) : std::string();
  }
  Counters since = kept.counters;
  since -= known.counted;
  stored->counters += since;
  if (kept.last_used && (!stored->last_used || *stored->last_used < *kept.last_used)) {
    stored->last_used = kept.last_used;
  }
  if (stored->jwt && !kept.token->jwt() && kept.token->Knows(stored->jwt->text)) stored->jwt.reset();  // it was refused
}

Status StateRecords::Save(const std::vector<PoolRecords::Kept>& tokens) {
  std::vector<LoginRecords::Edit> edits;
  for (const PoolRecords::Kept& kept : tokens) {
    if (kept.token->kind() == CredentialKind::kCallback) continue;
    Known* const known = &KnownOf(kept.token);
    edits.push_back({{kept.token->configured(), kept.token->credential()}, [this, &kept, known](StoredToken* stored) {
                       Merge(kept, *known, stored);
                       return true;
                     }});
  }
  const auto outcome = records_->Commit(edits, StateDurability::kPowerLoss);
  if (!outcome.is_made) return outcome.status;
  for (const PoolRecords::Kept& kept : tokens) {
    if (kept.token->kind() == CredentialKind::kCallback) continue;
    Known& known = KnownOf(kept.token);
    known.counted = kept.counters;
  }
  return outcome.status;
}

}  // namespace warppool::internal
