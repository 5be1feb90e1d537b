#include "client/state_persister.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/guarded.h"
#include "base/mutex.h"
#include "base/rfc3339.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kUrgent{200};
// How often it is looked whether what is refused for good, or in doubt, may be tried again.
constexpr milliseconds kReviewEvery{std::chrono::minutes(1)};

// At most so long from now as it was when it was written: one of both times may be of a clock that was wrong.
std::optional<WallTime> CoolingUntil(const StoredHealth& health, WallTime now) {
  if (!health.cooling_until || health.cooling_for == milliseconds(0)) return health.cooling_until;
  return std::min(*health.cooling_until, now + std::chrono::duration_cast<WallTime::duration>(health.cooling_for));
}

std::string Describe(const StoredToken& stored, WallTime now) {
  std::string what;
  const auto add = [&](const std::string& part) { what += (what.empty() ? "" : ", ") + part; };
  if (stored.serial > 0) add(fmt::format("refresh token replaced {} times", stored.serial));
  if (stored.jwt && now < stored.jwt->expires) add("JWT");
  if (stored.health.disabled || IsRevoked(stored)) {
    add(fmt::format("disabled ({})", stored.health.reason));
  } else if (stored.health.failures > 0) {
    add(fmt::format("{} failures", stored.health.failures));
  }
  if (stored.health.cooling_until && now < *stored.health.cooling_until) {
    add(fmt::format("cooling until {}", WriteRfc3339(*stored.health.cooling_until)));
  }
  add(fmt::format("{} requests", stored.counters.requests));
  return what;
}

}  // namespace

StatePersister::StatePersister(std::shared_ptr<StateStore> store, TokenPool* pool, Executor* executor,
                               const Clock& clock, const Clock& dates, SharedExchangeOptions options,
                               milliseconds save_interval)
    : pool_(pool),
      executor_(executor),
      dates_(dates),
      save_interval_(save_interval),
      store_limit_(options.store_limit),
      is_for_many_processes_(store->IsForManyProcesses()),
      logins_(std::move(store), [this](const LoginCredentials& login, const Status& why) { OnBroken(login, why); }),
      records_(&logins_),
      exchange_(std::move(options), &logins_, this, executor, &worker_, clock, dates) {}

void StatePersister::OnStoreFailed(const std::shared_ptr<const Token>& token, const Status& why) {
  pool_->records().NoteStoreFailed(token, why);
}

void StatePersister::OnBroken(const LoginCredentials& login, const Status& why) {
  const auto tokens = pool_->members().All();
  const auto it = std::find_if(tokens.begin(), tokens.end(), [&](const std::shared_ptr<Token>& token) {
    return token->kind() != CredentialKind::kCallback && token->configured() == login.configured;
  });
  OnStoreFailed(it == tokens.end() ? nullptr : *it, why);
}

void StatePersister::OnLifted(const std::shared_ptr<Token>& token) {
  if (Status status = TakeOver(token, false); !status.ok()) OnStoreFailed(token, status);
  pool_->Recover(token->name());
}

Status StatePersister::RestoreAll() {
  struct Restoring {
    Mutex mutex;
    CondVar changed;
    std::optional<Status> result GUARDED_BY(mutex);
    bool is_late GUARDED_BY(mutex) = false;
  };
  const auto restoring = std::make_shared<Restoring>();
  worker_.Post([this, restoring] {
    const Status result = Guarded([&] { return TakeOverAll(); });
    bool is_late = false;
    {
      MutexLock lock(&restoring->mutex);
      restoring->result = result;
      is_late = restoring->is_late;
    }
    restoring->changed.NotifyAll();
    if (is_late && !result.ok()) OnStoreFailed(nullptr, result);
  });
  const SteadyTime until = RealClock().Steady() + store_limit_;
  {
    MutexLock lock(&restoring->mutex);
    while (!restoring->result && restoring->changed.WaitUntil(&restoring->mutex, until)) {
    }
    if (restoring->result) return *restoring->result;
    restoring->is_late = true;
  }
  OnStoreFailed(nullptr,
                Status(Code::kTimeout, fmt::format("the store has not answered within {} ms: the client begins "
                                                   "without it, and takes over what it has when it comes",
                                                   store_limit_.count())));
  return {};
}

Status StatePersister::TakeOverAll() {
  for (const auto& token : pool_->members().All()) {
    if (token->kind() == CredentialKind::kCallback) continue;
    if (Status status = TakeOver(token, true); !status.ok()) return status;
  }
  return {};
}

void StatePersister::Restore(const std::shared_ptr<Token>& token) {
  if (token->kind() == CredentialKind::kCallback) return;
  // By way of the executor, as Forget(): a token that was removed a moment ago, and comes back, has its last state.
  executor_->Post([this, token] {
    worker_.Post([this, token] {
      if (Status status = TakeOver(token, false); !status.ok()) OnStoreFailed(token, status);
    });
  });
}

Status StatePersister::TakeOver(const std::shared_ptr<Token>& token, bool at_start) {
  const std::uint64_t serial = token->serial();
  const auto found = records_.Find(*token);
  if (!found.ok()) return found.status();
  if (!*found) return {};
  const StoredToken& stored = **found;
  const WallTime now = dates_.Wall();
  // What the token got since the store was asked, or has and the store has not, is newer.
  if (!exchange_.exchanges().HasUnwritten(*token)) token->AdoptUnlessNewer(stored.credential, stored.serial, serial);
  if (stored.jwt) {
    auto jwt = ReviveJwt(*stored.jwt, dates_.Steady(), now);
    if (jwt) token->OfferJwt(std::move(jwt));
  }
  PoolRecords::Kept kept;
  kept.token = token;
  kept.failures = stored.health.failures;
  kept.revoked = IsRevoked(stored);
  kept.disabled = stored.health.disabled || kept.revoked;
  kept.recovery_delay = stored.health.recovery_delay;
  kept.cooling_until = CoolingUntil(stored.health, now);
  if (stored.health.code != Code::kOk) kept.why = Status(stored.health.code, stored.health.reason);
  kept.counters = records_.NoteRestored(token, stored);
  // One that comes later may have been here before: its tier has counted it then.
  kept.counts_for_tier = at_start;
  kept.last_used = stored.last_used;
  if (kept.revoked) exchange_.exchanges().NoteRevoked(token);
  pool_->records().Restore(kept, Describe(stored, now));
  return {};
}

void StatePersister::OnUnsaved(bool urgent) noexcept {
  Guarded([&] { executor_->Post([this, urgent] { SaveSoon(urgent); }); });
}

void StatePersister::SaveSoon(bool urgent) {
  if (save_timer_ != 0 && (save_is_urgent_ || !urgent)) return;
  executor_->CancelTimer(std::exchange(save_timer_, 0));
  save_is_urgent_ = urgent;
  save_timer_ = executor_->After(urgent ? std::min(kUrgent, save_interval_) : save_interval_, [this] {
    save_timer_ = 0;
    SaveNow();
  });
}

void StatePersister::SaveNow() {
  // Taken there: what is being restored meanwhile is in the pool by then, and so it is in the numbers.
  worker_.Post([this] { Save(pool_->records().TakeUnsaved()); });
}

void StatePersister::Save(const std::vector<PoolRecords::Kept>& tokens) {
  const Status saved = Guarded([&] { return records_.Save(tokens); });
  if (saved.ok()) return;
  OnStoreFailed(nullptr, saved);
  pool_->records().PutBackUnsaved(tokens);
}

void StatePersister::Begin() {
  executor_->After(kReviewEvery, [this] {
    worker_.Post([this] { exchange_.exchanges().Review(); });
    Begin();
  });
}

void StatePersister::ReviewNow(std::function<void()> done) noexcept {
  if (is_reviewing_) return;
  const Status begun = Guarded([&] {
    review_timer_ = executor_->After(store_limit_, [this, done] { EndReview(done); });
    worker_.Post([this, done] {
      exchange_.exchanges().Review();
      executor_->Post([this, done] { EndReview(done); });
    });
    return Status();
  });
  is_reviewing_ = begun.ok() || review_timer_ != 0;
}

void StatePersister::EndReview(const std::function<void()>& done) {
  if (!std::exchange(is_reviewing_, false)) return;
  executor_->CancelTimer(std::exchange(review_timer_, 0));
  done();
}

void StatePersister::Forget(const std::shared_ptr<Token>& token) {
  SaveNow();
  worker_.Post([this, token] {
    records_.Forget(*token);
    exchange_.exchanges().Forget(token.get());
  });
}

void StatePersister::Close() {
  Guarded([&] {
    worker_.Post([this] {
      exchange_.exchanges().Close();
      Save(pool_->records().TakeUnsaved());
    });
  });
  worker_.Close();
}

}  // namespace warppool::internal
