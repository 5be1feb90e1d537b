#include "client/stored_exchanges.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/guarded.h"
#include "client/state_records.h"
#include "store/seal.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;
using Kind = ExchangeAdmission::Kind;
using Owed = std::map<std::uint64_t, milliseconds>;

// Whoever looks less often may have been stopped itself, together with the holder.
constexpr milliseconds kLongestLook{1'000};
// What counts as seen between two looks at who owes an answer.
constexpr milliseconds kLongestReview{70'000};
// A time that is not worth a write of its own.
constexpr milliseconds kLeastSeen{1'000};
// Between two tries to bring something to a store that fails, as long as the first pause is not longer.
constexpr milliseconds kLongestSettlePause{30'000};
// At the end, when there is no later.
constexpr int kMostLastTries = 5;
constexpr milliseconds kLastPause{100};

}  // namespace

StoredExchanges::StoredExchanges(Options options, LoginRecords* records, StoredExchangesObserver* observer,
                                 Worker* worker, const Clock& clock, const Clock& dates)
    : options_(std::move(options)),
      records_(records),
      observer_(observer),
      worker_(worker),
      clock_(clock),
      dates_(dates) {}

StoredExchanges::Exchange& StoredExchanges::ExchangeOf(const std::shared_ptr<Token>& token) {
  Exchange& exchange = exchanges_[token.get()];
  exchange.token = token;
  return exchange;
}

LoginRecords::Edit StoredExchanges::EditOf(const Exchange& exchange, std::function<bool(StoredToken*)> change) const {
  return {{exchange.token->configured(), exchange.token->credential()}, std::move(change)};
}

bool StoredExchanges::Change(const Exchange& exchange, const std::function<bool(StoredToken*)>& change,
                             StateDurability durability) {
  const auto outcome = records_->Commit({EditOf(exchange, change)}, durability);
  if (!outcome.status.ok()) observer_->OnStoreFailed(exchange.token, outcome.status);
  return outcome.is_made;
}

std::shared_ptr<const Jwt> StoredExchanges::UsefulJwt(const Token& token, const StoredToken& record) const {
  if (!record.jwt || token.Knows(record.jwt->text)) return nullptr;
  const SteadyTime now = dates_.Steady();
  auto jwt = ReviveJwt(*record.jwt, now, dates_.Wall());
  return jwt && now < jwt->refresh_at ? jwt : nullptr;
}

ExchangeAdmission StoredExchanges::Absent(const Token& token) {
  ExchangeAdmission admission;
  admission.credential = token.credential();
  return admission;
}

ExchangeAdmission StoredExchanges::Doubt() {
  ExchangeAdmission admission;
  admission.kind = Kind::kInDoubt;
  return admission;
}

// ------------------------------------------------------------------------------------------------- What others do --

bool StoredExchanges::Overtakes(Exchange* exchange, const StoredToken& record) const {
  const StoredExchange& lock = record.exchange;
  Sight& sight = exchange->sight;
  const SteadyTime now = clock_.Steady();
  if (lock.number != sight.number || lock.renewal != sight.renewal) {
    sight = {lock.number, lock.renewal, milliseconds(0), now};
    return false;
  }
  const auto passed = std::chrono::duration_cast<milliseconds>(now - sight.at);
  sight.unchanged += std::min(passed, kLongestLook);
  sight.at = now;
  return lock.number != 0 && sight.unchanged >= kOvertakeAfter;
}

// Adds the time since the last look to what is known of those that owe an answer, and to the record, if that is worth a
// write. `owed`: what is known then, should the record be written. May be called again, with another record.
bool StoredExchanges::NoteOwed(const Exchange& exchange, StoredToken* record, Owed* owed) const {
  const auto since = std::chrono::duration_cast<milliseconds>(clock_.Steady() - exchange.owed_at);
  const milliseconds passed = exchange.owed_at == SteadyTime() ? milliseconds(0) : std::min(since, kLongestReview);
  bool changes = false;
  owed->clear();
  for (const OwedAnswer& answer : std::vector<OwedAnswer>(record->exchange.owed)) {
    const auto known = exchange.owed.find(answer.number);
    const milliseconds seen =
        known == exchange.owed.end() ? answer.seen : std::max(answer.seen, known->second + passed);
    (*owed)[answer.number] = seen;
    if (seen - answer.seen >= kLeastSeen || seen >= kOwedFor) {
      changes = NoteSeen({answer.number, seen}, record) || changes;
    }
  }
  return changes;
}

// `record`: as it is by then, `owed`: by NoteOwed().
void StoredExchanges::HasSeenOwed(Exchange* exchange, const StoredToken& record, const Owed& owed) {
  exchange->owed.clear();
  for (const OwedAnswer& answer : record.exchange.owed) {
    const auto known = owed.find(answer.number);
    exchange->owed[answer.number] = known == owed.end() ? answer.seen : known->second;
  }
  exchange->owed_at = clock_.Steady();
}

// ------------------------------------------------------------------------------------------------- One's own turn --

void StoredExchanges::BeginTurn(Exchange* exchange) {
  if (!exchange->turn) {
    exchange->turn.emplace(ExchangeTurn{options_.draw_number()});
    exchange->tried_configured = false;
  }
  exchange->is_over = false;
}

// It has the lock, and sends something.
void StoredExchanges::Hold(Exchange* exchange) {
  exchange->sight = {};
  exchange->renewed_until = clock_.Steady() + options_.renewed_for;
  RenewLater();
}

void StoredExchanges::RenewLater() {
  if (renews_later_) return;
  worker_->PostAfter(options_.renew_every, [this] {
    renews_later_ = false;
    Renew();
  });
  renews_later_ = true;
}

// All in one commit.
void StoredExchanges::Renew() {
  const SteadyTime now = clock_.Steady();
  std::vector<LoginRecords::Edit> edits;
  for (auto& [key, exchange] : exchanges_) {
    if (!exchange.turn || exchange.is_over || exchange.renewed_until <= now) continue;
    edits.push_back(EditOf(
        exchange, [&exchange = exchange](StoredToken* record) { return internal::Renew(*exchange.turn, record); }));
  }
  if (edits.empty()) return;
  records_->Commit(edits, StateDurability::kProcess);  // one that fails is followed by the next
  RenewLater();
}

ExchangeAdmission StoredExchanges::Take(const std::shared_ptr<Token>& token) {
  Exchange& exchange = ExchangeOf(token);
  if (!WriteUnwritten(&exchange)) return Absent(*token);
  BeginTurn(&exchange);
  ExchangeStep step = ExchangeStep::kSend;
  std::shared_ptr<const Jwt> jwt;
  StoredToken seen;
  Owed owed;
  bool doubts = false;
  ExchangeTurn turn;
  const bool is_made = Change(
      exchange,
      [&](StoredToken* record) {
        turn = *exchange.turn;  // this may be called again, with another record
        MakeUpForLoss(*token, record);
        bool changes = NoteOwed(exchange, record, &owed);
        jwt = UsefulJwt(*token, *record);
        doubts = !exchange.doubted.empty() && !IsDoubtOver(jwt != nullptr, exchange.doubted, *record);
        if (doubts) {
          step = ExchangeStep::kInDoubt;
        } else {
          const bool is_probe = !exchange.revoked.empty() && exchange.revoked == RecordKey(record->credential);
          step = internal::Take({jwt != nullptr, Overtakes(&exchange, *record), is_probe}, &turn, record);
          changes = changes || step == ExchangeStep::kSend;
        }
        seen = *record;
        return changes;
      },
      StateDurability::kProcess);
  exchange.may_have_lock = exchange.may_have_lock || step == ExchangeStep::kSend;
  if (!is_made) return Absent(*token);  // or so it seems: who ends it looks whether the lock was taken
  exchange.turn = turn;
  HasSeenOwed(&exchange, seen, owed);
  if (!doubts) exchange.doubted.clear();
  if (step == ExchangeStep::kSend) Hold(&exchange);
  return Admit(&exchange, step, seen, std::move(jwt));
}

ExchangeAdmission StoredExchanges::Judge(const std::shared_ptr<Token>& token, const Secret& sent) {
  Exchange& exchange = ExchangeOf(token);
  if (!WriteUnwritten(&exchange)) {
    EndTurn(&exchange);
    return Doubt();
  }
  BeginTurn(&exchange);
  ExchangeTurn turn;
  ExchangeStep step = ExchangeStep::kInDoubt;
  std::shared_ptr<const Jwt> jwt;
  StoredToken seen;
  Owed owed;
  const bool is_made = Change(
      exchange,
      [&](StoredToken* record) {
        turn = *exchange.turn;  // this may be called again, with another record
        turn.sent = sent;
        NoteOwed(exchange, record, &owed);
        jwt = UsefulJwt(*token, *record);
        const StoredToken unjudged = *record;
        step = internal::Judge(jwt != nullptr, &turn, record);
        // The credential that the user gave is worth a try before an account is given up: the last of the candidates.
        const Secret& configured = token->configured();
        if (step == ExchangeStep::kRevoked && !exchange.tried_configured && sent != configured &&
            record->credential != configured) {
          *record = unjudged;
          AddCandidate(configured, record);
          turn = *exchange.turn;
          turn.sent = sent;
          step = internal::Judge(false, &turn, record);
        }
        seen = *record;
        return true;
      },
      StateDurability::kPowerLoss);
  if (!is_made) {
    EndTurn(&exchange);
    return Doubt();
  }
  HasSeenOwed(&exchange, seen, owed);
  if (step == ExchangeStep::kAgain) {
    EndTurn(&exchange);
    return Take(token);
  }
  if (turn.sent == token->configured()) exchange.tried_configured = true;
  exchange.turn = turn;
  if (step == ExchangeStep::kSend) Hold(&exchange);
  return Admit(&exchange, step, seen, std::move(jwt));
}

ExchangeAdmission StoredExchanges::Admit(Exchange* exchange, ExchangeStep step, const StoredToken& record,
                                         std::shared_ptr<const Jwt> jwt) {
  ExchangeAdmission admission;
  if (exchange->unwritten.empty()) admission.present = {record.credential, record.serial};
  switch (step) {
    case ExchangeStep::kUseJwt:
    case ExchangeStep::kAgain:  // never comes out
      admission.kind = Kind::kUseJwt;
      admission.jwt = std::move(jwt);
      break;
    case ExchangeStep::kSend:
      admission.credential = exchange->turn->sent;
      break;
    case ExchangeStep::kHeld:
      admission.kind = Kind::kHeld;
      break;
    case ExchangeStep::kInDoubt:
      admission.kind = Kind::kInDoubt;
      exchange->doubted = RecordKey(record.credential);
      break;
    case ExchangeStep::kRevoked:
      admission.kind = Kind::kRevoked;
      exchange->revoked = RecordKey(record.credential);
      break;
  }
  if (step != ExchangeStep::kSend) EndTurn(exchange);
  return admission;
}

void StoredExchanges::Keep(const std::shared_ptr<Token>& token, const Secret& sent, const Issuance& issued) {
  Exchange& exchange = ExchangeOf(token);
  Unwritten answer{sent, issued.credential};
  if (issued.jwt) answer.jwt = StoredJwt{issued.jwt->text, issued.jwt->expires_at_wall, issued.jwt->life};
  exchange.unwritten.push_back(std::move(answer));
  if (!WriteUnwritten(&exchange)) SettleLater();
}

// -------------------------------------------------------------------------------------------------- What is left --

bool StoredExchanges::WriteUnwritten(Exchange* exchange) {
  while (!exchange->unwritten.empty()) {
    const Unwritten& answer = exchange->unwritten.front();
    const ExchangeTurn own = exchange->turn.value_or(ExchangeTurn());
    const bool is_made = Change(
        *exchange,
        [&](StoredToken* record) {
          ExchangeTurn turn = own;
          turn.sent = answer.sent;
          Write(answer.got, answer.jwt, turn, record);
          if (answer.jwt) internal::Release(turn, record);  // with a JWT it is over
          return true;
        },
        StateDurability::kPowerLoss);
    if (!is_made) return false;
    if (answer.jwt) {
      exchange->turn.reset();
      exchange->may_have_lock = false;
    }
    exchange->unwritten.erase(exchange->unwritten.begin());
    exchange->revoked.clear();
    exchange->doubted.clear();
  }
  return true;
}

bool StoredExchanges::GiveBack(Exchange* exchange) {
  if (!exchange->turn) return true;
  if (exchange->may_have_lock) {
    const ExchangeTurn& turn = *exchange->turn;
    const bool is_made = Change(
        *exchange,
        [&](StoredToken* record) {
          const bool is_owed = std::any_of(record->exchange.owed.begin(), record->exchange.owed.end(),
                                           [&](const OwedAnswer& owed) { return owed.number == turn.number; });
          if (record->exchange.number != turn.number && !is_owed) return false;
          internal::Release(turn, record);
          return true;
        },
        StateDurability::kProcess);
    if (!is_made) return false;
  }
  exchange->turn.reset();
  exchange->may_have_lock = false;
  return true;
}

bool StoredExchanges::Settle(Exchange* exchange) {
  return WriteUnwritten(exchange) && (!exchange->is_over || GiveBack(exchange));
}

void StoredExchanges::EndTurn(Exchange* exchange) {
  exchange->is_over = true;
  SettleOrLater(exchange);
}

void StoredExchanges::End(const std::shared_ptr<Token>& token) {
  const auto found = exchanges_.find(token.get());
  if (found == exchanges_.end()) return;
  EndTurn(&found->second);
  if (found->second.is_forgotten && Settle(&found->second)) exchanges_.erase(found);
}

void StoredExchanges::SettleOrLater(Exchange* exchange) {
  if (!Settle(exchange)) SettleLater();
}

void StoredExchanges::SettleLater() {
  if (settles_later_) return;
  settle_pause_ = std::max(std::min(settle_pause_ * 2, kLongestSettlePause), options_.settle_after);
  worker_->PostAfter(settle_pause_, [this] {
    settles_later_ = false;
    SettleAll();
  });
  settles_later_ = true;
}

void StoredExchanges::SettleAll() {
  bool is_settled = true;
  for (auto it = exchanges_.begin(); it != exchanges_.end();) {
    const bool is_done = Settle(&it->second);
    is_settled = is_settled && is_done;
    it = is_done && it->second.is_forgotten && !it->second.turn ? exchanges_.erase(it) : std::next(it);
  }
  if (is_settled) {
    settle_pause_ = {};
  } else {
    SettleLater();
  }
}

void StoredExchanges::NoteRevoked(const std::shared_ptr<Token>& token) {
  ExchangeOf(token).revoked = RecordKey(token->credential());
}

bool StoredExchanges::HasUnwritten(const Token& token) const {
  const auto found = exchanges_.find(&token);
  return found != exchanges_.end() && !found->second.unwritten.empty();
}

void StoredExchanges::Review() {
  for (auto& [key, exchange] : exchanges_) {
    if (!Settle(&exchange)) continue;  // what is read is older than what is here
    if (!exchange.revoked.empty() || !exchange.doubted.empty() || !exchange.owed.empty()) ReviewOne(&exchange);
  }
}

void StoredExchanges::ReviewOne(Exchange* exchange) {
  bool is_lifted = false;
  Owed owed;
  StoredToken seen;
  const bool is_made = Change(
      *exchange,
      [&](StoredToken* record) {
        const bool has_jwt = UsefulJwt(*exchange->token, *record) != nullptr;
        const bool changes = NoteOwed(*exchange, record, &owed);
        is_lifted = !exchange->revoked.empty() ? has_jwt || !IsRevoked(*record)
                                               : IsDoubtOver(has_jwt, exchange->doubted, *record);
        seen = *record;
        return changes;
      },
      StateDurability::kProcess);
  if (!is_made) return;
  HasSeenOwed(exchange, seen, owed);
  if (!is_lifted) return;
  const bool was_revoked = !exchange->revoked.empty();
  exchange->revoked.clear();
  exchange->doubted.clear();
  if (was_revoked) observer_->OnLifted(exchange->token);
}

void StoredExchanges::Forget(const Token* token) {
  const auto found = exchanges_.find(token);
  if (found == exchanges_.end()) return;
  if (found->second.turn || !found->second.unwritten.empty()) {
    found->second.is_forgotten = true;
  } else {
    exchanges_.erase(found);
  }
}

void StoredExchanges::Close() {
  for (auto& [key, exchange] : exchanges_) {
    exchange.is_over = true;
    if (!exchange.owed.empty()) ReviewOne(&exchange);
    for (int i = 1; !Settle(&exchange) && i < kMostLastTries; ++i) std::this_thread::sleep_for(kLastPause);
  }
}

}  // namespace warppool::internal
