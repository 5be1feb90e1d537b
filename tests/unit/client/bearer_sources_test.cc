#include "client/bearer_sources.h"

#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

// A token whose bearers come from a program, and the loop that its calls answer to. What happens is written down in
// its order.
struct Sourcing {
  Sourcing() {
    REQUIRE(loop.Open().ok());
    BearerSource source;
    source.supply = [this](const std::string& name) -> Result<SuppliedBearer> {
      journal.push_back("supply " + name);
      return SuppliedBearer{Secret("fake-bearer")};
    };
    source.on_refused = [this](const std::string& name, const Secret& bearer, const Status& why) {
      journal.push_back("refused " + name + " " + std::string(bearer.Reveal()) + " " + why.message());
    };
    token = std::make_shared<Token>("mine", Tier::kPersonal, CredentialKind::kCallback, Secret(), std::move(source));
  }

  void Supply() {
    sources.Supply(token, [this](const Result<SuppliedBearer>& supplied) {
      results.push_back(supplied.ok() ? Status() : supplied.status());
      told_in_loop = loop.InThread();
      loop.Stop();
    });
  }
  void TellRefused() {
    const auto jwt = std::make_shared<const Jwt>(Jwt{Secret("fake-old"), {}, {}, {}});
    sources.TellRefused({token, jwt, false}, Status(Code::kUnauthorized, "no"));
  }
  EventLoop loop;
  bool threads_are_left = false;
  bool told_in_loop = false;
  std::vector<std::string> journal;
  std::vector<Status> results;
  std::shared_ptr<Token> token;
  BearerSources sources{&loop, [this](std::function<void()> run) {
                          if (threads_are_left) return std::thread(std::move(run));
                          throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
                        }};
};

using SourceJournal = std::vector<std::string>;

TEST_CASE("a source is asked in a thread of its own, and its answer comes in the loop") {
  Sourcing s;
  s.threads_are_left = true;
  s.Supply();
  s.loop.Run();  // until it has come
  CHECK(s.told_in_loop);
  REQUIRE(s.results.size() == 1);
  CHECK(s.results[0].ok());
  CHECK(s.journal == SourceJournal{"supply mine"});
}

TEST_CASE("a call for which there is no thread has failed as one that finds no network, and is told from the loop") {
  Sourcing s;
  s.Supply();
  CHECK(s.results.empty());  // never from inside
  s.loop.Run();
  REQUIRE(s.results.size() == 1);
  CHECK(s.told_in_loop);
  CHECK(s.results[0].code() == Code::kNetwork);
  CHECK(s.results[0].retryable());
  CHECK_THAT(s.results[0].message(), Catch::Matchers::StartsWith("the program cannot be asked for a bearer: "));
  CHECK(s.journal.empty());
}

TEST_CASE("a refusal for which there is no thread is told before the next call for a bearer") {
  Sourcing s;
  s.TellRefused();
  CHECK(s.journal.empty());
  s.threads_are_left = true;
  s.Supply();
  s.loop.Run();
  CHECK(s.journal == SourceJournal{"refused mine fake-old no", "supply mine"});
}

TEST_CASE("a refusal for which there is never a thread is forgotten at the end") {
  Sourcing s;
  s.TellRefused();
  s.sources.Close();
  CHECK(s.journal.empty());
}

}  // namespace
}  // namespace warppool::internal
