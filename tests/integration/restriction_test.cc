// Requests that only some of the tokens may serve: no other one is ever sent any of them, whatever happens.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "conversation_fixture.h"
#include "membership_fixture.h"

namespace warppool {
namespace {

constexpr const char* kPrivate = "my private project";
constexpr const char* kByTiers =
    "no token that may serve this request is ready; who may serve is restricted by the "
    "request's tiers";

using TokenNames = std::vector<std::string>;

// "mine" is personal, "shared" is shared, "anonymous" is anonymous: kOne, kTwo and kThree.
Config ThreeTiers(World* world) {
  for (const std::string& token : kAll) world->service.Accept(token);
  Config config = ConfigFor(world->service, {});
  config.tokens = {TokenOf(kOne, Tier::kPersonal, "mine"), TokenOf(kTwo, Tier::kShared, "shared"),
                   TokenOf(kThree, Tier::kAnonymous, "anonymous")};
  return config;
}

Request Private(const std::vector<Tier>& tiers, const TokenNames& tokens = {}) {
  Request request(kPrivate);
  request.tiers = tiers;
  request.tokens = tokens;
  return request;
}

// Does not wait for a token.
Request ImpatientPrivate(const std::vector<Tier>& tiers, const TokenNames& tokens = {}) {
  Request request = Private(tiers, tokens);
  request.wait_for_token = false;
  return request;
}

// With whose bearers the private query came, in their order: "1" for kOne.
std::string SentBy(const World& world) {
  std::string tokens;
  for (const auto& seen : world.service.Requests(kAgent)) {
    if (seen.body.find(kPrivate) == std::string::npos) continue;
    const auto found = std::find(kAll.begin(), kAll.end(), seen.token);
    tokens += found == kAll.end() ? '?' : static_cast<char>('1' + (found - kAll.begin()));
  }
  return tokens;
}

TokenNames TriedIn(const Status& status) {
  TokenNames names;
  for (const Attempt& attempt : status.attempts()) names.push_back(attempt.token);
  return names;
}

bool Says(const Status& status, const std::string& part) {
  INFO(status.ToString());
  return status.message().find(part) != std::string::npos;
}

loopback::Behaviour SpentFor(const std::string& seconds) {
  return loopback::Quota().Header("Retry-After", seconds).Times(1);
}

}  // namespace

TEST_CASE("a request is served by tokens that may serve it, though others come first") {
  World world;
  world.Connect(ThreeTiers(&world));
  for (int i = 0; i < 2; ++i) {
    CHECK(world.Ask(Private({Tier::kShared}))->token == "shared");
    CHECK(world.Ask(Private({}, {"anonymous"}))->token == "anonymous");
    CHECK(world.Ask(Private({Tier::kAnonymous, Tier::kShared, Tier::kShared}))->token == "shared");
    CHECK(world.Ask(Private({Tier::kAnonymous, Tier::kPersonal}, {"anonymous", "shared"}))->token == "anonymous");
    CHECK(world.Ask(Private({}))->token == "mine");
  }
  CHECK(SentBy(world) == "2323123231");
  // Bytes of one's own are sent as any other request.
  Request raw = Private({Tier::kAnonymous});
  raw.raw = world.service.Requests(kAgent)[0].body;
  CHECK(world.Ask(raw)->token == "anonymous");
  CHECK(SentBy(world) == "23231232313");
}

TEST_CASE("a restricted request does not go on with a token that may not serve it, however those fail that may") {
  World world;
  Config config = ThreeTiers(&world);
  config.retry_budget = 1;
  Code code = Code::kOk;
  SECTION("refused") {
    world.service.On(kOne).Agent(loopback::Status(403));
    code = Code::kUnauthorized;
  }
  SECTION("refused at the exchange, for good") {
    world.service.On(kOne).Exchange(loopback::Dead("USER_DISABLED"));
    code = Code::kUnauthorized;
  }
  SECTION("no quota") {
    world.service.On(kOne).Agent(SpentFor("3600"));
    code = Code::kQuotaExhausted;
  }
  SECTION("no quota, as the stream says") {
    world.service.On(kOne).Agent(loopback::QuotaFinish());
    code = Code::kQuotaExhausted;
  }
  SECTION("an error of the service's") {
    world.service.On(kOne).Agent(loopback::Status(500));
    code = Code::kServerError;
  }
  SECTION("an overload") {
    world.service.On(kOne).Agent(loopback::Overloaded());
    code = Code::kOverloaded;
  }
  SECTION("a lost network") {
    world.service.On(kOne).Agent(loopback::Reset());
    code = Code::kNetwork;
  }
  world.Connect(std::move(config));
  const auto answer = world.Ask(ImpatientPrivate({Tier::kPersonal}));
  CHECK(CodeName(answer.code()) == std::string(CodeName(code)));
  CHECK(Says(answer.status(), "; who may serve is restricted by the request's tiers"));
  for (const std::string& token : TriedIn(answer.status())) CHECK(token == "mine");
  CHECK(SentBy(world).find_first_not_of('1') == std::string::npos);
  for (const char* other : {kTwo, kThree}) CHECK(world.service.Count("", other) == 0);
  // Who is not restricted is served still.
  CHECK(world.Ask(Impatient()).ok());
}

TEST_CASE("a restricted request goes on with the next one that may serve it, and not with others in between") {
  World world;
  Config config = ThreeTiers(&world);
  world.service.On(kOne).Agent(loopback::Status(403));
  world.Connect(std::move(config));
  CHECK(world.Ask(ImpatientPrivate({}, {"mine", "anonymous"}))->token == "anonymous");
  CHECK(SentBy(world) == "13");
  world.SkipRest();
  world.service.On(kThree).Agent(SpentFor("3600"));
  const auto answer = world.Ask(ImpatientPrivate({}, {"mine", "anonymous"}));
  CHECK(answer.code() == Code::kAllTokensFailed);
  CHECK(Says(answer.status(), "restricted by the request's tokens"));
  CHECK(SentBy(world) == "1313");
}

TEST_CASE("when none that may serve is ready, a restricted request says so, and only why those are not") {
  World world;
  Config config = ThreeTiers(&world);
  world.service.On(kOne).Agent(SpentFor("3600"));
  world.service.On(kTwo).Agent(SpentFor("600"));
  world.Connect(std::move(config));
  CHECK(world.Ask(ImpatientPrivate({Tier::kPersonal})).code() == Code::kQuotaExhausted);
  CHECK(world.Ask(ImpatientPrivate({Tier::kShared})).code() == Code::kQuotaExhausted);
  const auto answer = world.Ask(ImpatientPrivate({Tier::kPersonal}));
  CHECK(answer.code() == Code::kNoTokenReady);
  CHECK(answer.status().message() == kByTiers);
  CHECK(TriedIn(answer.status()) == TokenNames{"mine"});
  CHECK(answer.status().error().retryable);
  REQUIRE(answer.status().error().retry_after.has_value());
  CHECK(*answer.status().error().retry_after > 3000s);
  // Nor does it help to wait: the earliest of those that may serve is too late.
  Recorder recorder(&world);
  const auto stream = world.client->Start(Private({Tier::kPersonal, Tier::kShared}, {"mine"}), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.status().code() == Code::kNoTokenReady);
  CHECK(Says(recorder.status(), "by the request's tiers and tokens"));
  CHECK(recorder.waits() == 0);
  CHECK(SentBy(world) == "12");
}

TEST_CASE("a question for the quota of a token that may not serve gives a restricted request no hope") {
  Gate account;
  World world;
  Config config = ThreeTiers(&world);
  world.service.On(kOne).Agent(SpentFor("3600"));
  world.service.On(kTwo).Agent(loopback::Quota().Times(1));
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAccount) account.Pass();
    return std::optional<loopback::Behaviour>();
  });
  world.Connect(std::move(config));
  account.Close();
  CHECK(world.Ask(ImpatientPrivate({Tier::kPersonal})).code() == Code::kQuotaExhausted);
  CHECK(world.Ask(ImpatientPrivate({Tier::kShared})).code() == Code::kQuotaExhausted);
  REQUIRE(account.WaitUntilInside(1));
  Pushed mine(&world, Private({Tier::kPersonal}));
  REQUIRE(mine->WaitUntilDone());
  CHECK(mine->waits() == 0);
  CHECK(mine->status().message() == kByTiers);
  account.Open();
}

TEST_CASE("a restricted request waits for a token that may serve it, while others are ready") {
  World world;
  world.service.On(kOne).Agent(SpentFor("1"));
  world.Connect(ThreeTiers(&world));
  CHECK(world.Ask(ImpatientPrivate({Tier::kPersonal})).code() == Code::kQuotaExhausted);
  Pushed mine(&world, Private({Tier::kPersonal}));
  REQUIRE(mine->WaitForWait());
  // Who comes later and is not restricted need not wait behind it, and what wakes those who wait changes nothing.
  Pushed other(&world, Impatient());
  REQUIRE(other->WaitUntilDone());
  CHECK(other->token() == "shared");
  CHECK(world.client->RenameToken("anonymous", "anybody").ok());
  CHECK(world.client->AddToken(TokenOf("fake-token-four", Tier::kShared)).ok());
  REQUIRE(mine->WaitUntilDone());
  CHECK(mine->status().ToString() == "ok");
  CHECK(mine->token() == "mine");
  CHECK(mine->waits() == 1);
  CHECK(SentBy(world) == "11");
}

TEST_CASE("a restricted request at the head of those who wait holds up nobody whom another token may serve") {
  TokenGate mine_gate(loopback::Endpoint::kAgent, kOne);
  TokenGate shared_gate(loopback::Endpoint::kAgent, kTwo);
  World world;
  Config config = ThreeTiers(&world);
  config.tokens.pop_back();
  config.max_in_flight = 1;
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& token) {
    mine_gate.Decision()(endpoint, token);
    return shared_gate.Decision()(endpoint, token);
  });
  world.Connect(std::move(config));
  mine_gate.Close();
  shared_gate.Close();
  Pushed first(&world, Request("one"));
  REQUIRE(mine_gate.WaitUntilInside(1));
  Pushed second(&world, Request("two"));
  REQUIRE(shared_gate.WaitUntilInside(1));
  Pushed mine(&world, Private({Tier::kPersonal}));
  REQUIRE(mine->WaitForWait());
  Pushed any(&world, Request("anybody's"));
  REQUIRE(any->WaitForWait());
  shared_gate.Open();
  REQUIRE(any->WaitUntilDone());
  CHECK(any->token() == "shared");
  CHECK(mine->dones() == 0);
  mine_gate.Open();
  REQUIRE(mine->WaitUntilDone());
  CHECK(mine->token() == "mine");
  REQUIRE(first->WaitUntilDone());
  REQUIRE(second->WaitUntilDone());
  CHECK(SentBy(world) == "1");
}

TEST_CASE("a disabled token is tried by a restricted request only if it may serve it") {
  World world;
  world.service.On(kOne).Agent(loopback::Status(403).Times(1));
  world.service.On(kTwo).Agent(loopback::Status(403).Times(1));
  Config config = ThreeTiers(&world);
  config.max_failures = 1;
  world.Connect(std::move(config));
  CHECK(world.Ask(Impatient("disables both")).ok());
  world.Skip(60s);
  for (const std::size_t i : {0U, 1U}) REQUIRE(world.StatusOf(i).state == TokenState::kHalfOpen);
  CHECK(world.Ask(Private({Tier::kShared, Tier::kAnonymous}))->token == "shared");
  CHECK(world.StatusOf(0).state == TokenState::kHalfOpen);
  CHECK(world.Ask(Private({Tier::kPersonal}))->token == "mine");
  CHECK(SentBy(world) == "21");
}

TEST_CASE("a waiting request is told of changes by the token that it began with, and by the tier that one has now") {
  World world;
  world.service.On(kOne).Agent(SpentFor("3600"));
  Config config = ThreeTiers(&world);
  config.max_token_wait = 3h;
  Client& client = world.Connect(std::move(config));
  CHECK(world.Ask(ImpatientPrivate({Tier::kPersonal})).code() == Code::kQuotaExhausted);
  SECTION("removed: no other one may serve, not even one that is called so") {
    Pushed mine(&world, Private({}, {"mine"}));
    REQUIRE(mine->WaitForWait());
    REQUIRE(client.RenameToken("mine", "old").ok());
    REQUIRE(client.RenameToken("shared", "mine").ok());
    REQUIRE(client.RemoveToken("old").ok());
    REQUIRE(mine->WaitUntilDone());
    CHECK(mine->status().code() == Code::kNoTokenReady);
    CHECK(mine->status().message() ==
          "no token that may serve this request is left; who may serve is restricted by the request's tokens");
    CHECK(SentBy(world) == "1");
  }
  SECTION("renamed, and ready again: it serves") {
    Pushed mine(&world, Private({Tier::kPersonal}, {"mine"}));
    REQUIRE(mine->WaitForWait());
    REQUIRE(client.RenameToken("mine", "ours").ok());
    REQUIRE(client.Recover("ours").ok());
    REQUIRE(mine->WaitUntilDone());
    CHECK(mine->token() == "ours");
    CHECK(SentBy(world) == "11");
  }
  SECTION("moved to a tier that may not serve: it does not") {
    Pushed mine(&world, Private({Tier::kPersonal}));
    REQUIRE(mine->WaitForWait());
    REQUIRE(client.MoveToken("mine", Tier::kShared).ok());
    REQUIRE(mine->WaitUntilDone());
    CHECK(mine->status().code() == Code::kNoTokenReady);
    CHECK(SentBy(world) == "1");
  }
  SECTION("one is moved to a tier that may serve: it does") {
    Pushed mine(&world, Private({Tier::kPersonal}));
    REQUIRE(mine->WaitForWait());
    REQUIRE(client.MoveToken("anonymous", Tier::kPersonal).ok());
    REQUIRE(mine->WaitUntilDone());
    CHECK(mine->token() == "anonymous");
    CHECK(SentBy(world) == "13");
  }
}

TEST_CASE("a conversation whose token may not serve the next turn moves to one that may, and back") {
  World world;
  Client& client = world.Connect(ThreeTiers(&world));
  Conversation conversation;
  Viewer viewer(&world);
  REQUIRE(viewer.Turn(&client, Private({Tier::kShared}), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "stf");
  CHECK(conversation.token() == "shared");
  REQUIRE(viewer.Turn(&client, Private({Tier::kPersonal, Tier::kShared}), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "stf");  // it stays while it may
  CHECK(conversation.token() == "shared");
  REQUIRE(viewer.Turn(&client, Private({Tier::kPersonal}), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "mstf");
  CHECK(viewer.moved_from() == "shared");
  CHECK(conversation.token() == "mine");
  REQUIRE(viewer.Turn(&client, Private({}, {"anonymous"}), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "mstf");
  CHECK(conversation.token() == "anonymous");
  CHECK(SentBy(world) == "2213");
  CHECK(viewer.Differs(conversation) == "");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("a private turn of a conversation fails rather than move to a token that may not serve it") {
  World world;
  Config config = ThreeTiers(&world);
  config.retry_budget = 1;
  const bool in_between = GENERATE(false, true);
  // Before its first action, or when the answer that broke off is to be resumed.
  if (in_between) world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(HalfAnAnswer(false));
  if (!in_between) world.service.On(kOne).Agent(loopback::Ok().Times(1));
  world.service.On(kOne).Agent(SpentFor("3600"));
  Client& client = world.Connect(std::move(config));
  Conversation conversation;
  Viewer viewer(&world);
  REQUIRE(viewer.Turn(&client, ImpatientPrivate({Tier::kPersonal}), &conversation).ToString() == "ok");
  const Status status = viewer.Turn(&client, ImpatientPrivate({Tier::kPersonal}), &conversation);
  CHECK(Says(status, "restricted by the request's tiers"));
  CHECK(viewer.steps() == (in_between ? "st54" : "4"));
  CHECK(conversation.token() == "mine");
  CHECK(SentBy(world) == (in_between ? "111" : "11"));
  for (const char* other : {kTwo, kThree}) CHECK(world.service.Count("", other) == 0);
}

TEST_CASE("a restriction that no token can satisfy is refused at once, and nothing is begun") {
  World world;
  Client& client = world.Connect(ThreeTiers(&world));
  REQUIRE(client.RemoveToken("anonymous").ok());
  Conversation conversation;
  Recorder recorder(&world);
  const auto refusal = [&](const Request& request) {
    const auto stream = client.Start(request, conversation, recorder.Callbacks());
    CHECK(stream.code() == Code::kInvalidArgument);
    CHECK(client.Ask(request).status.message() == stream.status().message());
    CHECK_FALSE(conversation.busy());
    return world.Said(stream.status()).message();
  };
  CHECK(refusal(Private({Tier::kAnonymous})) == "tiers: ANONYMOUS has no token");
  CHECK(refusal(Private({Tier::kPersonal, static_cast<Tier>(9)})) == "tiers[1]: is no tier");
  CHECK(refusal(Private({}, {"mine", "anonymous"})) == "tokens[1]: no token is called \"anonymous\"");
  CHECK(refusal(Private({Tier::kShared}, {"mine"})) == "tokens: none of them is in one of the request's tiers");
  CHECK(recorder.dones() == 0);
  CHECK(world.service.Requests("").empty());
  // A tier that has no token now is no error beside one that has.
  CHECK(world.Ask(Private({Tier::kAnonymous, Tier::kShared}))->token == "shared");
  CHECK(SentBy(world) == "2");
}

}  // namespace warppool
