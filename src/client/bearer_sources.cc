#include "client/bearer_sources.h"

#include <utility>

#include "base/guarded.h"

namespace warppool::internal {

void BearerSources::Supply(const std::shared_ptr<Token>& token, Supplied done) {
  workers_.Post(token, [this, source = token->bearer_source(), name = token->name(), done = std::move(done)] {
    auto supplied = Guarded([&] { return source.supply(name); });
    executor_->Post([done, supplied = std::move(supplied)] { done(supplied); });
  });
}

void BearerSources::TellRefused(const Bearer& bearer, const Status& why) {
  BearerSource source = bearer.token->bearer_source();
  if (!source.on_refused) return;
  workers_.Post(bearer.token, [source = std::move(source), name = bearer.token->name(), text = bearer.Text(), why] {
    source.on_refused(name, text, why);
  });
}

}  // namespace warppool::internal
