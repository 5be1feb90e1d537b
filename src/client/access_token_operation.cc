#include "client/access_token_operation.h"

#include <utility>

#include "base/guarded.h"

namespace warppool::internal {

BearerToken ToBearerToken(const Bearer& bearer) {
  BearerToken token{bearer.Text(), bearer.token->name()};
  if (bearer.jwt && bearer.jwt->end_is_known) token.expires = ToSystemTime(bearer.jwt->expires_at_wall);
  return token;
}

AccessTokenOperation::AccessTokenOperation(std::shared_ptr<Core> core, const Patience& patience,
                                           std::optional<Lease> first)
    : core_(std::move(core)),
      patience_(patience),
      first_(std::move(first)),
      acquisition_(&core_->acquisition(), this, false) {}

void AccessTokenOperation::Begin() {
  if (finished_) return;
  const auto self = shared_from_this();
  const Status begun = Guarded([&] {
    if (first_) {
      acquisition_.Start(patience_, *std::exchange(first_, std::nullopt));
    } else {
      acquisition_.Start(patience_);
    }
    return Status();
  });
  if (!begun.ok()) Finish(begun);
}

void AccessTokenOperation::Use(const Bearer& bearer) {
  if (finished_) return;
  const BearerToken token = ToBearerToken(bearer);
  // An exchange that went well counts for something; a JWT that lay there, or an API key, has proved nothing.
  if (bearer.jwt && bearer.fresh) {
    acquisition_.Succeed(Outcome::kAccepted);
  } else {
    acquisition_.EndUnused();
  }
  Finish(token);
}

void AccessTokenOperation::Finish(Result<BearerToken> result) {
  if (std::exchange(finished_, true)) return;
  const auto self = shared_from_this();
  acquisition_.End();
  first_.reset();
  result_.Bring(std::move(result));
  core_->Retire(this);
}

Result<BearerToken> AccessTokenOperation::Wait(std::chrono::milliseconds timeout) {
  auto result = result_.Wait(timeout);
  if (!result) return Status(Code::kTimeout, "no access token came in time");
  return *std::move(result);
}

}  // namespace warppool::internal
