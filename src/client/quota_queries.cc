#include "client/quota_queries.h"

#include <algorithm>
#include <utility>

#include "base/guarded.h"
#include "base/redact.h"
#include "client/core.h"
#include "client/host.h"
#include "http/fetch.h"

namespace warppool::internal {
namespace {

constexpr std::size_t kMaxAnswerBytes = 1U << 20U;

}  // namespace

QuotaQueries::QuotaQueries(Core* core) : core_(core) {}

void QuotaQueries::Ask(const Bearer& bearer, bool lifts_cooling, std::function<void(const Answer&)> done) {
  HttpRequest request;
  request.target = core_->quota_target();
  request.bearer = bearer.Text();
  request.body = core_->request_limit_body();
  const auto timeout = core_->config().refresh_timeout;
  const auto on_answer = [this, bearer, lifts_cooling, done = std::move(done)](const FetchResult& fetched) {
    Answer answer = Refusal{Outcome::kGarbled, Status::OutOfMemory(), std::nullopt};
    Guarded([&] { answer = Read(fetched, bearer); });
    Guarded([&] { TellPool(bearer, answer, lifts_cooling); });
    done(answer);
  };
  Fetch(&core_->transport(), std::move(request), kMaxAnswerBytes, timeout, on_answer);
}

QuotaQueries::Answer QuotaQueries::Read(const FetchResult& fetched, const Bearer& bearer) const {
  if (fetched.transfer.error != TransferError::kNone) return ReadTransferError(fetched.transfer, kQuotaQuery, false);
  if (fetched.too_large) {
    return Refusal{Outcome::kGarbled,
                   Status(Code::kLimitExceeded, "the answer to the quota query is larger than 1 MiB"), std::nullopt};
  }
  // Before any of it is quoted, or cut: a part of a secret is one, too.
  std::string body = fetched.body;
  HttpHead head = fetched.head;
  Redact(bearer.Text().Reveal(), &body);
  RedactHead(bearer.Text().Reveal(), &head);
  RedactAnswer(fetched.secrets, &body, &head);
  return ReadRequestLimit(head, {body, fetched.complete, fetched.readable}, core_->clock().Wall());
}

void QuotaQueries::TellPool(const Bearer& bearer, const Answer& answer, bool lifts_cooling) const {
  if (const auto* quota = std::get_if<Quota>(&answer))
    return core_->pool().accounts().NoteQuota(*bearer.token, *quota, lifts_cooling);
  const Status& why = std::get<Refusal>(answer).status;
  core_->log().Debug("No quota is known: {}: {}", bearer.token->name(), why.message());
}

void QuotaQueries::AskAfterRefusal(const Bearer& bearer) {
  const Token* const token = bearer.token.get();
  if (!asked_.insert(token).second) return;
  const auto over = [this, token](const Answer& /*answer*/) {
    asked_.erase(token);
    core_->queue().ServeAndReview();  // those who wait may find that they need not, or that it is no use
  };
  const Status begun = Guarded([&] {
    Ask(bearer, false, over);
    return Status();
  });
  if (!begun.ok()) asked_.erase(token);
}

bool QuotaQueries::Asking(const TokenPool::Tokens& excluded, const TokenRestriction* only) const {
  return std::any_of(asked_.begin(), asked_.end(), [&](const Token* token) {
    return excluded.count(token) == 0 && (only == nullptr || core_->pool().members().Concerns(*token, *only));
  });
}

}  // namespace warppool::internal
