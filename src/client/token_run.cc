#include "client/token_run.h"

#include <utility>

#include "base/guarded.h"

namespace warppool {

BearerToken ToBearerToken(const Bearer& bearer) {
  BearerToken token{bearer.Text(), bearer.token->name()};
  if (bearer.jwt) token.expires = bearer.jwt->expires_at_wall;
  return token;
}

TokenRun::TokenRun(std::shared_ptr<Core> core, std::optional<Lease> first)
    : core_(std::move(core)), first_(std::move(first)), walk_(core_.get(), this) {}

void TokenRun::Begin() {
  if (finished_) return;
  const auto self = shared_from_this();
  const Status begun = Guarded([&] {
    if (first_) {
      walk_.Start(*std::exchange(first_, std::nullopt));
    } else {
      walk_.Start();
    }
    return Status();
  });
  if (!begun.ok()) Finish(begun);
}

void TokenRun::Use(const Bearer& bearer) {
  const BearerToken token = ToBearerToken(bearer);
  // An exchange that went well is a success; a JWT that lay there, or an API key, has proved nothing.
  if (bearer.jwt && bearer.fresh) {
    walk_.Succeed();
  } else {
    walk_.End();
  }
  Finish(token);
}

void TokenRun::Finish(Result<BearerToken> result) {
  if (std::exchange(finished_, true)) return;
  const auto self = shared_from_this();
  walk_.End();
  first_.reset();
  {
    MutexLock lock(&mutex_);
    result_ = std::move(result);
  }
  changed_.NotifyAll();
  core_->Retire(this);
}

Result<BearerToken> TokenRun::Wait(std::chrono::milliseconds timeout) {
  MutexLock lock(&mutex_);
  const SteadyTime until = DeadlineIn(timeout);
  while (!result_) {
    if (timeout.count() < 0) {
      changed_.Wait(&mutex_);
    } else if (!changed_.WaitUntil(&mutex_, until)) {
      return Status(Code::kTimeout, "no access token came in time");
    }
  }
  return *result_;
}

}  // namespace warppool
