// A conversation whose token is refused for the first time, and for the second.

#include "conversation_fixture.h"

namespace warppool {
namespace {

struct RefusedConversation {
  // Its first turn is served by kOne, which answers all later requests so; kTwo would serve.
  explicit RefusedConversation(loopback::Behaviour refusal) {
    world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(std::move(refusal));
    world.service.Accept(kTwo);
    client = &world.Connect(FillFirst(world.service, {kOne, kTwo}));
    REQUIRE(viewer.Turn(client, Request("one"), &conversation).ToString() == "ok");
    REQUIRE(conversation.token() == client->Pool().tokens[0].name);
  }
  // Which tokens the agent was asked with since the first turn.
  std::string Asked() const {
    std::string tokens;
    for (const auto& seen : world.service.Requests(kAgent)) tokens += seen.token == kOne ? '1' : '2';
    return tokens.substr(1);
  }

  World world;
  Viewer viewer{&world};
  Client* client = nullptr;
  Conversation conversation;
};

}  // namespace

// The wait is as long as the token rests, by the real clock.
TEST_CASE("a conversation's first 401 on a fresh JWT is tried again at its token, and the second one moves it") {
  RefusedConversation c(loopback::Status(401));
  REQUIRE(c.viewer.Turn(c.client, Request("two"), &c.conversation).ToString() == "ok");
  CHECK(c.viewer.steps() == "132mstf");  // the first 401 is that of a JWT that was not issued for it
  CHECK(c.Asked() == "1112");
  CHECK(c.viewer.failures() == std::vector{std::pair(Code::kUnauthorized, NextStep::kSameToken),
                                           std::pair(Code::kUnauthorized, NextStep::kWait),
                                           std::pair(Code::kUnauthorized, NextStep::kNextToken)});
  CHECK(c.conversation.token() == c.client->Pool().tokens[1].name);
  CHECK(Difference(c.world.service, c.conversation) == "");
}

TEST_CASE("a conversation's first 500 is tried again at its token, and the second one moves it") {
  RefusedConversation c(loopback::Status(500));
  REQUIRE(c.viewer.Turn(c.client, Request("two"), &c.conversation).ToString() == "ok");
  CHECK(c.viewer.steps() == "32mstf");
  CHECK(c.Asked() == "112");
  CHECK(c.viewer.failures() == std::vector{std::pair(Code::kServerError, NextStep::kWait),
                                           std::pair(Code::kServerError, NextStep::kNextToken)});
  CHECK(c.conversation.token() == c.client->Pool().tokens[1].name);
  CHECK(Difference(c.world.service, c.conversation) == "");
}

TEST_CASE("a conversation whose token is refused once stays there") {
  RefusedConversation c(loopback::Status(500).Times(1));
  REQUIRE(c.viewer.Turn(c.client, Request("two"), &c.conversation).ToString() == "ok");
  CHECK(c.viewer.steps() == "3stf");
  CHECK(c.Asked() == "11");
  CHECK(c.conversation.token() == c.client->Pool().tokens[0].name);
}

}  // namespace warppool
