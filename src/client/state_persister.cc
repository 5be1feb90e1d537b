#include "client/state_persister.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/guarded.h"
#include "base/rfc3339.h"

namespace warppool::internal {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kUrgent{200};
// How often an exchange looks whether the one of another process is over.
constexpr milliseconds kLockPoll{20};

std::string Describe(const StoredToken& stored, WallTime now) {
  std::string what;
  const auto add = [&](const std::string& part) { what += (what.empty() ? "" : ", ") + part; };
  if (stored.serial > 0) add(fmt::format("refresh token replaced {} times", stored.serial));
  if (stored.jwt && now < stored.jwt->expires) add("JWT");
  if (stored.health.disabled) {
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

// An exchange that asks for the lock, until it has an answer.
struct StatePersister::LockRequest {
  std::shared_ptr<Token> token;
  Acquired done;
  SteadyTime until;
};

StatePersister::StatePersister(std::shared_ptr<StateStore> store, TokenPool* pool, Executor* executor,
                               const Clock& clock, milliseconds patience, milliseconds save_interval)
    : pool_(pool),
      executor_(executor),
      clock_(clock),
      patience_(patience),
      save_interval_(save_interval),
      records_(std::move(store), [this](const auto& token, const Status& why) { Complain(token, why); }) {}

void StatePersister::Complain(const std::shared_ptr<const Token>& token, const Status& why) {
  pool_->records().NoteStoreFailed(token, why);
}

Status StatePersister::RestoreAll() {
  return Guarded([&] {
    for (const auto& token : pool_->members().All()) {
      if (token->kind() == CredentialKind::kCallback) continue;
      const auto stored = records_.Find(token);
      if (!stored.ok()) return stored.status();
      if (*stored) TakeOver(token, **stored, true);
    }
    return Status();
  });
}

void StatePersister::Restore(const std::shared_ptr<Token>& token) {
  if (token->kind() == CredentialKind::kCallback) return;
  // By way of the executor, as Forget(): a token that was removed a moment ago, and comes back, has its last state.
  executor_->Post([this, token] {
    worker_.Post([this, token] {
      const auto stored = records_.Find(token);
      if (!stored.ok()) return Complain(token, stored.status());
      if (*stored) TakeOver(token, **stored, false);
    });
  });
}

void StatePersister::TakeOver(const std::shared_ptr<Token>& token, const StoredToken& stored, bool at_start) {
  const WallTime now = clock_.Wall();
  token->Adopt(stored.credential, stored.serial);
  if (stored.jwt) {
    auto jwt = ReviveJwt(*stored.jwt, clock_.Steady(), now);
    if (jwt) token->OfferJwt(std::move(jwt));
  }
  PoolRecords::Kept kept;
  kept.token = token;
  kept.failures = stored.health.failures;
  kept.disabled = stored.health.disabled;
  kept.revoked = stored.health.dead;
  kept.cooling_until = stored.health.cooling_until;
  if (stored.health.code != Code::kOk) kept.why = Status(stored.health.code, stored.health.reason);
  kept.counters = records_.NoteRestored(token, stored);
  // One that comes later may have been here before: its tier has counted it then.
  kept.counts_for_tier = at_start;
  kept.last_used = stored.last_used;
  pool_->records().Restore(kept, Describe(stored, now));
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
  Complain(nullptr, saved);
  pool_->records().PutBackUnsaved(tokens);
}

void StatePersister::Acquire(const std::shared_ptr<Token>& token, Acquired done) {
  TryLockSoon(std::make_shared<LockRequest>(LockRequest{token, std::move(done), clock_.Steady() + patience_}));
}

void StatePersister::TryLockSoon(const std::shared_ptr<LockRequest>& request) {
  worker_.Post([this, request] {
    const Status tried = Guarded([&] {
      TryLock(request);
      return Status();
    });
    if (tried.ok()) return;
    LetGo(request->token);
    Answer(request, tried);
  });
}

void StatePersister::TryLock(const std::shared_ptr<LockRequest>& request) {
  const std::shared_ptr<Token>& token = request->token;
  std::string& held = held_[token.get()];
  if (held.empty()) {
    const std::string name = records_.ExchangeLock(token);
    const auto locked = Guarded([&] { return records_.store().Lock(name, milliseconds(0)); });
    if (!locked.ok()) Complain(token, locked.status());
    if (locked.ok() && *locked) held = name;
    if (locked.ok() && !*locked) {
      executor_->Post([this, request] { TryAgainLater(request); });
      return;
    }
  }
  const auto stored = records_.Find(token);
  // Whoever got the token first may have named the login.
  if (!held.empty() && held != records_.ExchangeLock(token)) {
    records_.store().Unlock(std::exchange(held, ""));
    return TryLock(request);
  }
  // A store that does not work must not keep a request from being served.
  if (!stored.ok()) Complain(token, stored.status());
  if (!stored.ok() || !*stored) return Answer(request, std::optional<SharedKnowledge>());
  SharedKnowledge known{(*stored)->credential, (*stored)->serial};
  if ((*stored)->jwt) known.jwt = ReviveJwt(*(*stored)->jwt, clock_.Steady(), clock_.Wall());
  Answer(request, std::optional(std::move(known)));
}

void StatePersister::TryAgainLater(const std::shared_ptr<LockRequest>& request) {
  const Status waits = Guarded([&]() -> Status {
    if (request->until <= clock_.Steady()) {
      Error error{.code = Code::kOverloaded, .message = "another process is exchanging this refresh token"};
      error.retryable = true;
      return Status(std::move(error));
    }
    executor_->After(kLockPoll, [this, request] { TryLockSoon(request); });
    return {};
  });
  if (!waits.ok()) request->done(waits);
}

void StatePersister::Answer(const std::shared_ptr<LockRequest>& request, Result<std::optional<SharedKnowledge>> known) {
  executor_->Post([request, known = std::move(known)] { request->done(known); });
}

void StatePersister::Keep(const std::shared_ptr<Token>& token, const Issuance& issued, std::function<void()> done) {
  worker_.Post([this, token, issued, done = std::move(done)] {
    const Status kept = Guarded([&] { return records_.Save(token, issued); });
    if (!kept.ok()) {
      Complain(token, kept);
      PoolRecords::Kept again;
      again.token = token;
      pool_->records().PutBackUnsaved({again});
    }
    executor_->Post(done);
  });
}

void StatePersister::Release(const std::shared_ptr<Token>& token) {
  worker_.Post([this, token] { LetGo(token); });
}

void StatePersister::LetGo(const std::shared_ptr<Token>& token) {
  const auto held = held_.find(token.get());
  if (held == held_.end()) return;
  if (!held->second.empty()) records_.store().Unlock(held->second);
  held_.erase(held);
}

void StatePersister::Forget(const std::shared_ptr<Token>& token) {
  SaveNow();
  worker_.Post([this, token] { records_.Forget(*token); });
}

void StatePersister::Close() {
  Guarded([&] {
    worker_.Post([this] {
      Save(pool_->records().TakeUnsaved());
      for (const auto& [token, name] : held_) {
        if (!name.empty()) records_.store().Unlock(name);
      }
      held_.clear();
    });
  });
  worker_.Close();
}

}  // namespace warppool::internal
