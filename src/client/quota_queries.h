// Asks the service for quotas: for health checks, and to learn when a quota comes back that is used up.
#pragma once

#include <functional>
#include <string>
#include <unordered_set>
#include <variant>

#include "client/bearer.h"
#include "http/fetch.h"
#include "service/request_limit.h"
#include "token/token_pool.h"

namespace warppool::internal {

class Core;

// The I/O thread only.
class QuotaQueries {
 public:
  using Answer = std::variant<Quota, Refusal>;

  explicit QuotaQueries(Core* core);

  // Calls `done` once, never from inside, and tells the pool first. `lifts_cooling`: see TokenPool::NoteQuota().
  void Ask(const Bearer& bearer, bool lifts_cooling, std::function<void(const Answer&)> done);

  // The same for nobody in particular, right after a refusal: nothing if somebody asks for this token already.
  void AskAfterRefusal(const Bearer& bearer);
  // Whether such a question is open for a token that is not among `excluded`: its answer may shorten a cooling that is
  // only assumed. `only`: of those that this concerns (TokenPool::Concerns()); null: of all.
  bool Asking(const TokenPool::Tokens& excluded, const TokenRestriction* only) const;

 private:
  Answer Read(const FetchResult& fetched, const Bearer& bearer) const;
  void TellPool(const Bearer& bearer, const Answer& answer, bool lifts_cooling) const;

  Core* const core_;
  std::unordered_set<const Token*> asked_;
};

}  // namespace warppool::internal
