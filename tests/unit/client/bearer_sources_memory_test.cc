// A call of a bearer source for which there is no memory: it is told of, or its answer comes all the same.

#include <memory>
#include <new>
#include <string>
#include <utility>

#include "capi/failing_memory.h"
#include "catch.h"
#include "client/bearer_sources.h"

namespace warppool::internal {
namespace {

// A token whose source says where its thread has no memory left, from then on.
struct TightSource {
  TightSource() {
    REQUIRE(loop.Open().ok());
    BearerSource source;
    source.supply = [this](const std::string& /*name*/) -> Result<SuppliedBearer> {
      ++supplies;
      SuppliedBearer bearer{Secret("fake-bearer-that-is-too-long-for-any-small-string")};
      // In this thread, until it ends: it is the pool's own.
      if (fails_after_supply) static thread_local const FailingMemory failing(0);
      return bearer;
    };
    token = std::make_shared<Token>("mine", Tier::kPersonal, CredentialKind::kCallback, Secret(), std::move(source));
  }

  EventLoop loop;
  bool fails_after_supply = false;
  int supplies = 0;
  int answers = 0;
  Status answer;
  std::shared_ptr<Token> token;
  BearerSources sources{&loop};
};

TEST_CASE("a source whose thread has no memory left for its answer is heard all the same") {
  TightSource s;
  s.fails_after_supply = true;
  s.sources.Supply(s.token, [&s](const Result<SuppliedBearer>& supplied) {
    ++s.answers;
    s.answer = supplied.status();
    s.loop.Stop();
  });
  s.loop.Run();
  CHECK(s.answers == 1);
  CHECK(s.answer.ok());
}

TEST_CASE("a source that cannot be asked for want of memory is not asked, and that is told once, by a throw or later") {
  bool enough = false;
  int allowed = 0;
  for (; !enough && allowed < 100; ++allowed) {
    INFO("allocations allowed: " << allowed);
    TightSource s;
    const auto done = std::make_shared<BearerSupply::Supplied>([&s](const Result<SuppliedBearer>& supplied) {
      ++s.answers;
      s.answer = supplied.status();
      s.loop.Stop();
    });
    const BearerSupply::Supplied answer = [done](const Result<SuppliedBearer>& supplied) { (*done)(supplied); };
    bool thrown = false;
    {
      const FailingMemory failing(allowed);
      try {
        s.sources.Supply(s.token, answer);
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      enough = !FailingMemory::Failed();
    }
    if (thrown) s.loop.Stop();
    s.loop.Run();
    CHECK(s.answers == (thrown ? 0 : 1));
    CHECK(s.supplies == (enough ? 1 : 0));
    if (!thrown && !enough) CHECK(s.answer.code() == Code::kNetwork);
  }
  CHECK(allowed > 2);
  CHECK(enough);
}

}  // namespace
}  // namespace warppool::internal
