#include "client/bearer_sources.h"

#include <utility>

#include "base/guarded.h"
#include "base/program_call.h"

namespace warppool::internal {

void BearerSources::Supply(const std::shared_ptr<Token>& token, Supplied done) {
  const Status asked = Guarded([&] {
    // What the answer needs of memory is there before the program is asked: a call whose answer were lost would be
    // waited for for ever.
    auto supplied = std::make_shared<Result<SuppliedBearer>>(Status(Code::kInternal, "not supplied yet"));
    auto answer = std::make_shared<EventLoop::Reserved>();
    answer->emplace_back([done, supplied] { done(*supplied); });
    workers_.Post(token, [loop = loop_, source = token->bearer_source(), name = token->name(), supplied, answer] {
      *supplied = Guarded([&] { return CallProgram([&] { return source.supply(name); }); });
      loop->Post(answer.get());
    });
    return Status();
  });
  if (asked.ok()) return;
  Error error{.code = Code::kNetwork, .message = "the program cannot be asked for a bearer: " + asked.message()};
  error.retryable = true;
  loop_->Post([done = std::move(done), failure = Status(std::move(error))] { done(failure); });
}

void BearerSources::TellRefused(const Bearer& bearer, const Status& why) noexcept {
  Guarded([&] {
    BearerSource source = bearer.token->bearer_source();
    if (!source.on_refused) return;
    auto tell = [source = std::move(source), name = bearer.token->name(), text = bearer.Text(), why] {
      CallProgram([&] { source.on_refused(name, text, why); });
    };
    workers_.Post(bearer.token, std::move(tell), WorkerPool::WithoutThread::kWait);
  });
}

}  // namespace warppool::internal
