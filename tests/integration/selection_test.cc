// Which token serves: strategies, tiers, and whether Explain() tells the truth about it.

#include <algorithm>
#include <atomic>
#include <map>

#include "membership_fixture.h"

namespace warppool {
namespace {

// The token that the next request gets; empty: none.
std::string TokenThatServes(World* world) {
  const auto answer = world->Ask(Impatient("hello"));
  return answer.ok() ? answer->token : "";
}

// Who is tried, first one first, as Explain() has it.
std::vector<std::string> Order(World* world) {
  std::map<int, std::string> by_turn;
  for (const TokenExplanation& e : world->client->Explain()) {
    world->Note(e.name + ": " + e.reason);
    CHECK_FALSE(e.reason.empty());
    if (e.turn > 0) CHECK(by_turn.emplace(e.turn, e.name).second);
  }
  std::vector<std::string> order;
  for (const auto& [turn, name] : by_turn) order.push_back(name);
  if (!by_turn.empty()) CHECK(by_turn.rbegin()->first == static_cast<int>(by_turn.size()));
  return order;
}

}  // namespace

TEST_CASE("fill first uses the first token until it fails, and goes back to it") {
  World world;
  for (const std::string& token : kAll) world.service.Accept(token);
  Config config = ConfigFor(world.service, kAll);
  config.strategy = Strategy::kFillFirst;
  Client& client = world.Connect(std::move(config));
  const auto names = client.Pool().tokens;
  for (int i = 0; i < 4; ++i) CHECK(TokenThatServes(&world) == names[0].name);
  world.service.On(kAll[0]).Agent(loopback::Quota().Header("Retry-After", "3600").Times(1));
  for (int i = 0; i < 4; ++i) CHECK(TokenThatServes(&world) == names[1].name);
  CHECK(world.StatusOf(0).state == TokenState::kCooling);
  CHECK(client.Recover(names[0].name).ok());
  for (int i = 0; i < 3; ++i) CHECK(TokenThatServes(&world) == names[0].name);
  CHECK(world.service.Count("", kAll[2]) == 0);
}

TEST_CASE("least in flight goes to the token that serves the fewest requests at the moment") {
  Gate gate;
  std::atomic<bool> hold{true};
  World world;
  for (const std::string& token : kAll) world.service.Accept(token);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent && hold) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Config config = ConfigFor(world.service, kAll);
  config.strategy = Strategy::kLeastInFlight;
  Client& client = world.Connect(std::move(config));
  gate.Close();
  std::vector<std::unique_ptr<Recorder>> recorders;
  std::vector<std::unique_ptr<Stream>> streams;
  const auto start = [&] {
    recorders.push_back(std::make_unique<Recorder>(&world));
    auto stream = client.Start(Request("slow"), recorders.back()->Callbacks());
    REQUIRE(stream.ok());
    streams.push_back(*std::move(stream));
    REQUIRE(gate.WaitUntilInside(static_cast<int>(streams.size())));
  };
  // Two that are slow take one token each; all the others go to the third.
  start();
  start();
  hold = false;
  int busy = 0;
  std::string idle;
  for (const TokenStatus& token : client.Pool().tokens) {
    busy += token.in_flight;
    CHECK(token.in_flight <= 1);
    if (token.in_flight == 0) idle = token.name;
  }
  CHECK(busy == 2);
  for (int i = 0; i < 5; ++i) CHECK(TokenThatServes(&world) == idle);
  // Two each, and one more.
  hold = true;
  for (int i = 2; i < 7; ++i) start();
  std::vector<int> loads;
  for (const TokenStatus& token : client.Pool().tokens) loads.push_back(token.in_flight);
  std::sort(loads.begin(), loads.end());
  CHECK(loads == std::vector<int>{2, 2, 3});
  gate.Open();
  for (const auto& recorder : recorders) {
    REQUIRE(recorder->WaitUntilDone());
    CHECK(recorder->status().ok());
  }
  for (const TokenStatus& token : client.Pool().tokens) CHECK(token.in_flight == 0);
}

TEST_CASE("idle tokens of least in flight take turns") {
  World world;
  for (const std::string& token : kAll) world.service.Accept(token);
  Config config = ConfigFor(world.service, kAll);
  config.strategy = Strategy::kLeastInFlight;
  world.Connect(std::move(config));
  for (int i = 0; i < 9; ++i) CHECK_FALSE(TokenThatServes(&world).empty());
  for (const std::size_t i : {0U, 1U, 2U}) CHECK(world.StatusOf(i).served == 3);
}

TEST_CASE("tiers are tried in the configured order, and one that is left out is not used") {
  World world;
  for (const char* token : {"fake-personal", "fake-shared", "fake-anonymous"}) world.service.Accept(token);
  Config config = ConfigFor(world.service, {});
  config.tokens = {TokenOf("fake-personal", Tier::kPersonal), TokenOf("fake-anonymous", Tier::kAnonymous),
                   TokenOf("fake-shared", Tier::kShared)};
  config.tier_order = {Tier::kAnonymous, Tier::kPersonal};
  Client& client = world.Connect(std::move(config));
  const auto tokens = client.Pool().tokens;
  REQUIRE(tokens.size() == 2);
  CHECK(tokens[0].tier == Tier::kAnonymous);
  CHECK(tokens[1].tier == Tier::kPersonal);
  for (int i = 0; i < 3; ++i) CHECK(TokenThatServes(&world) == tokens[0].name);
  world.service.On("fake-anonymous").Agent(loopback::Quota().Header("Retry-After", "3600"));
  for (int i = 0; i < 3; ++i) CHECK(TokenThatServes(&world) == tokens[1].name);
  CHECK(world.service.Count("", "fake-shared") == 0);
}

TEST_CASE("Explain() names the tokens in the order in which a request tries them") {
  World world;
  std::atomic<bool> refuse{false};
  const std::vector<std::string> credentials = {"fake-p-1", "fake-p-2", "fake-p-3", "fake-p-4"};
  for (const std::string& token : credentials) world.service.Accept(token);
  for (const char* token : {"fake-s-1", "fake-s-2"}) world.service.Accept(token);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    const bool now = refuse && endpoint == loopback::Endpoint::kAgent;
    return now ? std::optional(loopback::Status(403)) : std::nullopt;
  });
  Config config = ConfigFor(world.service, credentials);
  for (const char* token : {"fake-s-1", "fake-s-2"}) config.tokens.push_back(TokenOf(token, Tier::kShared));
  config.max_failures = 1000;
  config.strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight);
  INFO(StrategyName(config.strategy));
  Client& client = world.Connect(std::move(config));
  for (int i = 0; i < 7; ++i) {
    INFO(i);
    const auto expected = Order(&world);
    REQUIRE(expected.size() == 6);
    CHECK(Order(&world) == expected);  // looking changes nothing
    CHECK(TokenThatServes(&world) == expected[0]);

    const auto tried = Order(&world);
    refuse = true;
    const auto refused = world.Ask(Impatient("hello"));
    refuse = false;
    CHECK(refused.code() == Code::kUnauthorized);
    std::vector<std::string> attempts;
    for (const Attempt& attempt : refused.status().attempts()) attempts.push_back(attempt.token);
    CHECK(attempts == tried);
    world.SkipRest();
  }
  CHECK(client.Pool().Active() == 6);
}

TEST_CASE("Explain() tells those that would not be tried, why, and until when") {
  Gate gate;
  World world;
  std::atomic<bool> hold{false};
  const std::vector<std::string> credentials = {"fake-cools", "fake-disabled", "fake-dead", "fake-busy", "fake-ready"};
  world.service.On("fake-cools").Agent(loopback::Quota().Header("Retry-After", "3600"));
  world.service.On("fake-disabled").Agent(loopback::Status(403));
  world.service.On("fake-dead").Exchange(loopback::Dead("USER_NOT_FOUND"));
  world.service.Accept("fake-busy").Accept("fake-ready");
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent && hold) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Config config = ConfigFor(world.service, credentials);
  config.strategy = Strategy::kFillFirst;
  config.max_in_flight = 1;
  config.max_failures = 1;
  Client& client = world.Connect(std::move(config));
  CHECK(world.Ask(Impatient("hello")).ok());
  hold = true;
  gate.Close();
  Recorder recorder(&world);
  auto stream = client.Start(Request("slow"), recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  hold = false;

  const auto all = client.Explain();
  REQUIRE(all.size() == 5);
  const auto tokens = client.Pool().tokens;
  const char* words[] = {"cooling: ", "disabled: ", "disabled: ", "busy: ", "ready; "};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(all[i].name == tokens[i].name);
    CHECK(all[i].reason.find(words[i]) == 0);
    CHECK(all[i].turn == (i == 4 ? 1 : 0));
    CHECK(all[i].until.has_value() == (i < 2));
  }
  for (const std::size_t i : {0U, 1U}) {
    REQUIRE(tokens[i].ready_at.has_value());
    CHECK(*all[i].until - *tokens[i].ready_at < 1s);
    CHECK(*tokens[i].ready_at - *all[i].until < 1s);
  }
  CHECK(TokenThatServes(&world) == tokens[4].name);
  gate.Open();
  REQUIRE(recorder.WaitUntilDone());
  CHECK(recorder.token() == tokens[3].name);
  CHECK(TokenThatServes(&world) == tokens[3].name);
}

TEST_CASE("Explain() has a request try one half-open token, in its turn") {
  World world;
  world.service.On(kAll[0]).Agent(loopback::Status(403).Times(1));
  world.service.On(kAll[1]).Agent(loopback::Status(403).Times(1));
  world.service.Accept(kAll[2]);
  Config config = ConfigFor(world.service, kAll);
  config.max_failures = 1;
  config.strategy = GENERATE(Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight);
  INFO(StrategyName(config.strategy));
  Client& client = world.Connect(std::move(config));
  CHECK(world.Ask(Impatient("hello")).ok());
  world.Skip(60s);
  REQUIRE(world.StatusOf(0).state == TokenState::kHalfOpen);
  REQUIRE(world.StatusOf(1).state == TokenState::kHalfOpen);
  const auto all = client.Explain();
  CHECK(all[0].turn == 1);
  CHECK(all[0].reason.find("403") != std::string::npos);
  CHECK(all[1].turn == 0);
  CHECK_FALSE(all[1].reason.empty());
  CHECK(all[2].turn == 2);
  CHECK(TokenThatServes(&world) == all[0].name);
  CHECK(world.StatusOf(0).state == TokenState::kReady);
  CHECK(world.StatusOf(1).state == TokenState::kHalfOpen);
}

TEST_CASE("without a token that is ready, Explain() gives nobody a turn") {
  World world;
  world.service.On(kAll[0]).Exchange(loopback::Dead("USER_DISABLED"));
  Client& client = world.Connect({kAll[0]});
  CHECK_FALSE(world.Ask(Impatient("hello")).ok());
  CHECK(Order(&world).empty());
  CHECK(TokenThatServes(&world).empty());
  CHECK(client.Close(0ms).ok());
  CHECK(client.Explain().size() == 1);
}

}  // namespace warppool
