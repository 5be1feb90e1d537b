#include "client/shared_exchange.h"

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

// How often an exchange looks whether the one of another process is over.
constexpr milliseconds kPoll{50};
// Where there was no memory for what has to be done.
constexpr milliseconds kNextTry{10};
// Whoever looks less often may have been stopped itself, together with the holder.
constexpr milliseconds kLongestLook{1000};
// What Review() counts as seen between two looks.
constexpr std::chrono::seconds kLongestReview{70};

}  // namespace

// A call of the store, for somebody who waits for a limited time.
struct SharedExchange::Call {
  Admitted done;
  TimerId timer = 0;
  bool is_overdue = false;
};

SharedExchange::SharedExchange(SharedExchangeOptions options, LoginRecords* records, SharedExchangeObserver* observer,
                               Executor* executor, Worker* worker, const Clock& clock, const Clock& dates)
    : options_(std::move(options)),
      records_(records),
      observer_(observer),
      executor_(executor),
      worker_(worker),
      clock_(clock),
      dates_(dates) {}

SharedExchange::Exchange& SharedExchange::ExchangeOf(const std::shared_ptr<Token>& token) {
  Exchange& exchange = exchanges_[token.get()];
  exchange.token = token;
  return exchange;
}

std::shared_ptr<const Jwt> SharedExchange::UsefulJwt(const Token& token, const StoredToken& record) const {
  if (!record.jwt || token.Knows(record.jwt->text)) return nullptr;
  const SteadyTime now = dates_.Steady();
  auto jwt = ReviveJwt(*record.jwt, now, dates_.Wall());
  return jwt && now < jwt->refresh_at ? jwt : nullptr;
}

LoginRecords::Outcome SharedExchange::Change(const Exchange& exchange, const std::function<bool(StoredToken*)>& change,
                                             StateDurability durability) {
  return records_->Commit({{LoginOf(*exchange.token), change}}, durability);
}

// Without a store: with what is here.
ExchangeAdmission SharedExchange::Absent(const Token& token) const {
  ExchangeAdmission admission;
  admission.credential = token.credential();
  return admission;
}

// ----------------------------------------------------------------------------------------- In the executor's thread --

void SharedExchange::RunLimited(const std::shared_ptr<Token>& token, std::function<Result<ExchangeAdmission>()> work,
                                Admitted done, const ExchangeAdmission& absent, bool gives_back) {
  if (overdue_ > 0) {
    executor_->Post([done = std::move(done), absent] { done(absent); });
    return;
  }
  const auto call = std::make_shared<Call>();
  call->done = std::move(done);
  call->timer = executor_->After(options_.store_limit, [this, call, absent] {
    call->is_overdue = true;
    ++overdue_;
    call->done(absent);
  });
  PostToStore(call->timer, [this, token, call, work = std::move(work), gives_back] {
    const auto result = Guarded([&] { return work(); });
    TellExecutor([this, token, call, result, gives_back] {
      if (!call->is_overdue) {
        executor_->CancelTimer(call->timer);
        return call->done(result);
      }
      --overdue_;
      if (gives_back) Release(token);
    });
  });
}

// `timer` is that of whoever waits, and ends with a failure.
void SharedExchange::PostToStore(TimerId timer, std::function<void()> task) {
  try {
    worker_->Post(std::move(task));
  } catch (...) {
    executor_->CancelTimer(timer);
    throw;
  }
}

// Somebody waits for it: should there be no memory, there is some in the end.
void SharedExchange::TellExecutor(const std::function<void()>& task) {
  const auto post = [&] {
    executor_->Post(task);
    return Status();
  };
  while (!Guarded(post).ok()) std::this_thread::sleep_for(kNextTry);
}

void SharedExchange::Acquire(const std::shared_ptr<Token>& token, Admitted done) {
  AcquireWithin(token, clock_.Steady() + options_.patience, std::move(done));
}

void SharedExchange::AcquireWithin(const std::shared_ptr<Token>& token, SteadyTime until, Admitted done) {
  const auto on_result = [this, token, until, done = std::move(done)](const Result<ExchangeAdmission>& result) {
    const bool waits = result.ok() && result->kind == Kind::kHeld && clock_.Steady() < until;
    if (!waits) return done(result);
    const Status later = Guarded([&] {
      executor_->After(kPoll, [this, token, until, done] { AcquireWithin(token, until, done); });
      return Status();
    });
    if (!later.ok()) done(later);
  };
  RunLimited(
      token, [this, token] { return TryTake(token); }, on_result, Absent(*token), true);
}

void SharedExchange::Judge(const std::shared_ptr<Token>& token, const Secret& sent, Admitted done) {
  ExchangeAdmission doubt;
  doubt.kind = Kind::kInDoubt;
  RunLimited(
      token, [this, token, sent] { return TryJudge(token, sent); }, std::move(done), doubt, false);
}

void SharedExchange::Keep(const std::shared_ptr<Token>& token, const Secret& sent, const Issuance& issued,
                          std::function<void()> done) {
  Unwritten answer{sent, issued.credential};
  if (issued.jwt) answer.jwt = StoredJwt{issued.jwt->text, issued.jwt->expires_at_wall, issued.jwt->life};
  // Not by way of RunLimited(): it is written however late.
  const auto call = std::make_shared<Call>();
  call->done = [done = std::move(done)](const Result<ExchangeAdmission>&) { done(); };
  call->timer = executor_->After(overdue_ > 0 ? milliseconds(0) : options_.store_limit, [call] {
    call->is_overdue = true;
    call->done(ExchangeAdmission());
  });
  PostToStore(call->timer, [this, token, answer = std::move(answer), call] {
    Guarded([&] {
      ExchangeOf(token).unwritten.push_back(answer);
      WriteUnwritten(token);
    });
    TellExecutor([this, call] {
      if (call->is_overdue) return;
      executor_->CancelTimer(call->timer);
      call->done(ExchangeAdmission());
    });
  });
}

void SharedExchange::Release(const std::shared_ptr<Token>& token) {
  worker_->Post([this, token] {
    const auto found = exchanges_.find(token.get());
    if (found == exchanges_.end()) return;
    GiveBack(&found->second);
    if (found->second.is_forgotten && found->second.unwritten.empty()) exchanges_.erase(found);
  });
}

// -------------------------------------------------------------------------------------------- In the store's thread --

bool SharedExchange::Overtakes(Exchange* exchange, const StoredToken& record) const {
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

ExchangeAdmission SharedExchange::Admit(Exchange* exchange, ExchangeStep step, const StoredToken& record,
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
  // It may have taken the lock before, by a write of which it did not hear.
  if (step != ExchangeStep::kSend) GiveBack(exchange);
  return admission;
}

Result<ExchangeAdmission> SharedExchange::TryTake(const std::shared_ptr<Token>& token) {
  Exchange& exchange = ExchangeOf(token);
  if (!WriteUnwritten(token)) return Absent(*token);
  if (!exchange.turn) {
    exchange.turn.emplace(ExchangeTurn{options_.draw_number()});
    exchange.tried_configured = false;
  }
  ExchangeStep step = ExchangeStep::kSend;
  std::shared_ptr<const Jwt> jwt;
  StoredToken seen;
  const auto outcome = Change(
      exchange,
      [&](StoredToken* record) {
        MakeUpForLoss(*token, record);
        jwt = UsefulJwt(*token, *record);
        if (!exchange.doubted.empty() && !IsDoubtOver(jwt != nullptr, exchange.doubted, *record)) {
          step = ExchangeStep::kInDoubt;
        } else {
          exchange.doubted.clear();
          const bool is_probe = !exchange.revoked.empty() && exchange.revoked == RecordKey(record->credential);
          step = Take({jwt != nullptr, Overtakes(&exchange, *record), is_probe}, &*exchange.turn, record);
        }
        seen = *record;
        return step == ExchangeStep::kSend;
      },
      StateDurability::kProcess);
  if (!outcome.is_made) {  // or so it seems: Release() looks whether the lock was taken
    observer_->OnStoreFailed(token, outcome.status);
    return Absent(*token);
  }
  if (step == ExchangeStep::kSend) {
    exchange.sight = {};
    exchange.renewed_until = clock_.Steady() + options_.renewed_for;
    worker_->PostAfter(kRenewEvery, [this, key = token.get(), number = exchange.turn->number] { Renew(key, number); });
  }
  return Admit(&exchange, step, seen, std::move(jwt));
}

void SharedExchange::Renew(const Token* token, std::uint64_t number) {
  const auto found = exchanges_.find(token);
  if (found == exchanges_.end() || !found->second.turn || found->second.turn->number != number) return;
  Exchange& exchange = found->second;
  if (exchange.renewed_until <= clock_.Steady()) return;
  bool is_held = true;
  Change(
      exchange, [&](StoredToken* record) { return is_held = internal::Renew(*exchange.turn, record); },
      StateDurability::kProcess);
  if (is_held) worker_->PostAfter(kRenewEvery, [this, token, number] { Renew(token, number); });
}

bool SharedExchange::WriteUnwritten(const std::shared_ptr<Token>& token) {
  Exchange& exchange = ExchangeOf(token);
  while (!exchange.unwritten.empty()) {
    const Unwritten& answer = exchange.unwritten.front();
    ExchangeTurn turn = exchange.turn.value_or(ExchangeTurn());
    turn.sent = answer.sent;
    const auto outcome = Change(
        exchange,
        [&](StoredToken* record) {
          Write(answer.got, answer.jwt, turn, record);
          return true;
        },
        StateDurability::kPowerLoss);
    if (!outcome.status.ok()) observer_->OnStoreFailed(token, outcome.status);
    if (!outcome.is_made) return false;
    exchange.unwritten.erase(exchange.unwritten.begin());
    exchange.revoked.clear();
    exchange.doubted.clear();
  }
  return true;
}

Result<ExchangeAdmission> SharedExchange::TryJudge(const std::shared_ptr<Token>& token, const Secret& sent) {
  Exchange& exchange = ExchangeOf(token);
  ExchangeAdmission doubt;
  doubt.kind = Kind::kInDoubt;
  if (!WriteUnwritten(token)) return doubt;
  ExchangeTurn before = exchange.turn.value_or(ExchangeTurn{options_.draw_number()});
  before.sent = sent;
  ExchangeTurn turn;
  ExchangeStep step = ExchangeStep::kInDoubt;
  std::shared_ptr<const Jwt> jwt;
  StoredToken seen;
  const auto outcome = Change(
      exchange,
      [&](StoredToken* record) {
        turn = before;  // this may be called again, with another record
        jwt = UsefulJwt(*token, *record);
        const StoredToken unjudged = *record;
        step = internal::Judge(jwt != nullptr, &turn, record);
        // The credential that the user gave is worth a try before an account is given up: the last of the candidates.
        const Secret& configured = token->configured();
        if (step == ExchangeStep::kRevoked && !exchange.tried_configured && sent != configured &&
            record->credential != configured) {
          turn = before;
          *record = unjudged;
          AddCandidate(configured, record);
          step = internal::Judge(false, &turn, record);
        }
        seen = *record;
        return true;
      },
      StateDurability::kPowerLoss);
  if (!outcome.is_made) {
    observer_->OnStoreFailed(token, outcome.status);
    return doubt;
  }
  if (step == ExchangeStep::kAgain) {
    GiveBack(&exchange);
    return TryTake(token);
  }
  if (turn.sent == token->configured()) exchange.tried_configured = true;
  exchange.turn = turn;
  return Admit(&exchange, step, seen, std::move(jwt));
}

void SharedExchange::GiveBack(Exchange* exchange) {
  if (!exchange->turn) return;
  const ExchangeTurn turn = *std::exchange(exchange->turn, std::nullopt);
  Change(
      *exchange,
      [&](StoredToken* record) {
        const bool is_owed = std::any_of(record->exchange.owed.begin(), record->exchange.owed.end(),
                                         [&](const OwedAnswer& owed) { return owed.number == turn.number; });
        if (record->exchange.number != turn.number && !is_owed) return false;
        internal::Release(turn, record);
        return true;
      },
      StateDurability::kProcess);
}

void SharedExchange::Forget(const Token* token) {
  const auto found = exchanges_.find(token);
  if (found == exchanges_.end()) return;
  if (found->second.turn || !found->second.unwritten.empty()) {
    found->second.is_forgotten = true;
  } else {
    exchanges_.erase(found);
  }
}

void SharedExchange::NoteRevoked(const std::shared_ptr<Token>& token) {
  ExchangeOf(token).revoked = RecordKey(token->credential());
}

void SharedExchange::Review() {
  for (auto& [key, exchange] : exchanges_) {
    if (!exchange.unwritten.empty()) WriteUnwritten(exchange.token);
    if (!exchange.revoked.empty() || !exchange.doubted.empty()) ReviewOne(&exchange);
  }
}

void SharedExchange::ReviewOne(Exchange* exchange) {
  const SteadyTime now = clock_.Steady();
  const auto passed = std::min<milliseconds>(exchange->owed_at == SteadyTime()
                                                 ? milliseconds(0)
                                                 : std::chrono::duration_cast<milliseconds>(now - exchange->owed_at),
                                             kLongestReview);
  exchange->owed_at = now;
  bool is_lifted = false;
  Change(
      *exchange,
      [&](StoredToken* record) {
        const bool has_jwt = UsefulJwt(*exchange->token, *record) != nullptr;
        bool changes = false;
        std::map<std::uint64_t, milliseconds> owed;
        for (const OwedAnswer& answer : std::vector<OwedAnswer>(record->exchange.owed)) {
          const auto known = exchange->owed.find(answer.number);
          const milliseconds seen =
              known == exchange->owed.end() ? answer.seen : std::max(answer.seen, known->second + passed);
          owed[answer.number] = seen;
          changes = NoteSeen({answer.number, seen}, record) || changes;
        }
        exchange->owed = std::move(owed);
        is_lifted = !exchange->revoked.empty() ? has_jwt || !IsRevoked(*record)
                                               : IsDoubtOver(has_jwt, exchange->doubted, *record);
        return changes;
      },
      StateDurability::kProcess);
  if (!is_lifted) return;
  const bool was_revoked = !exchange->revoked.empty();
  exchange->revoked.clear();
  exchange->doubted.clear();
  if (was_revoked) observer_->OnLifted(exchange->token);
}

void SharedExchange::Close() {
  for (auto& [key, exchange] : exchanges_) {
    WriteUnwritten(exchange.token);
    GiveBack(&exchange);
  }
}

}  // namespace warppool::internal
