// Ask(), when the answer does not end as it should: what came is there, and says how it ended.

#include <future>

#include "fixture.h"

namespace warppool {
namespace {

using CutHow = loopback::Behaviour::Cut;

// Four events are sent: init, the root task, the query with the text's first part, and its second part.
loopback::Behaviour CutInTheMiddle(CutHow how) {
  return loopback::Ok().Text("aabbccdd").Chunks(4).CutAfter(4, how);
}

Config WithoutRetries(const World& world) {
  Config config = ConfigFor(world.service, {kOne});
  config.retry_budget = 0;
  return config;
}

Answer Asked(World* world, const Request& request = Request("hello")) {
  Answer answer = world->client->Ask(request);
  world->Said(answer.status);
  return answer;
}

// What came of an answer that was cut in the middle.
void CheckHalf(const Answer& answer) {
  CHECK(answer.text == "aabb");
  CHECK(answer.token.find("PERSONAL_") == 0);
  CHECK_FALSE(answer.conversation_id.empty());
  CHECK_FALSE(answer.request_id.empty());
  CHECK_FALSE(answer.finish_reason);
  CHECK(answer.usage.output_tokens == 0);
}

// The same where a slow machine may have seen less of it before its time was over.
void CheckAsFarAs(const Conversation& conversation, const Answer& answer) {
  std::string text;
  for (const MessageInfo& message : conversation.Messages()) {
    if (message.kind == MessageKind::kAgentOutput) text += message.text;
  }
  CHECK(answer.text == text);
  CHECK(answer.conversation_id == conversation.id());
  CHECK(answer.token == conversation.token());
  CHECK_FALSE(answer.finish_reason);
}

}  // namespace

TEST_CASE("an answer that reached the model's limit is there, with its status, its reason and its usage") {
  World world;
  world.service.On(kOne).Agent(loopback::Finish("max_token_limit").Text("a long answer"));
  world.Connect({kOne});
  const Answer answer = Asked(&world);
  CHECK_FALSE(answer.ok());
  CHECK(CodeName(answer.status.code()) == std::string("max_token_limit"));
  CHECK(answer.text == "a long answer");
  CHECK(answer.finish_reason == FinishReason::kMaxTokenLimit);
  CHECK(answer.usage.output_tokens == 13);
  CHECK(answer.status.token() == answer.token);
  CHECK_FALSE(answer.conversation_id.empty());
}

TEST_CASE("whatever reason the service stops for, the answer so far is there") {
  const auto* const reason = GENERATE("quota_limit", "context_window_exceeded", "llm_unavailable", "internal_error",
                                      "invalid_api_key", "other", "unknown");
  INFO(reason);
  World world;
  world.service.On(kOne).Agent(loopback::Finish(reason).Text("so far"));
  world.Connect({kOne});
  const Answer answer = Asked(&world);
  CHECK_FALSE(answer.ok());
  CHECK(answer.text == "so far");
  REQUIRE(answer.finish_reason);
  CHECK(*answer.finish_reason != FinishReason::kDone);
}

TEST_CASE("an answer that is complete says so") {
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne});
  const Answer answer = Asked(&world);
  CHECK(answer.ok());
  CHECK(answer.status.ToString() == "ok");
  CHECK(answer.finish_reason == FinishReason::kDone);
}

TEST_CASE("of an answer that broke off, what came is there") {
  const auto [how, code] =
      GENERATE(table<CutHow, Code>({{CutHow::kClean, Code::kTruncated}, {CutHow::kReset, Code::kConnectionLost}}));
  World world;
  world.service.On(kOne).Agent(CutInTheMiddle(how));
  world.Connect(WithoutRetries(world));
  const Answer answer = Asked(&world);
  CHECK(CodeName(answer.status.code()) == std::string(CodeName(code)));
  CheckHalf(answer);
}

TEST_CASE("of an answer whose service went silent, what came is there") {
  World world;
  world.service.On(kOne).Agent(CutInTheMiddle(CutHow::kStall));
  Config config = WithoutRetries(world);
  config.silence_timeout = 100ms;
  world.Connect(std::move(config));
  Conversation conversation;
  const Answer answer = world.client->Ask(Request("hello"), conversation);
  CHECK(world.Said(answer.status).code() == Code::kNetwork);
  CheckAsFarAs(conversation, answer);
}

TEST_CASE("of an answer that took too long, what came is there") {
  World world;
  world.service.On(kOne).Agent(CutInTheMiddle(CutHow::kStall));
  world.Connect({kOne});
  Conversation conversation;
  const Answer answer = world.client->Ask(WithTimeout("hello", 500ms), conversation);
  CHECK(world.Said(answer.status).code() == Code::kDeadlineExceeded);
  CheckAsFarAs(conversation, answer);
}

TEST_CASE("of an answer that the closing of the client ends, what came is there") {
  World world;
  world.service.On(kOne).Agent(CutInTheMiddle(CutHow::kStall));
  world.Connect({kOne});
  Conversation conversation;
  auto asked = std::async(std::launch::async, [&] { return world.client->Ask(Request("hello"), conversation); });
  // The second part has come, and the service waits.
  CHECK(Eventually([&] {
    const auto messages = conversation.Messages();
    return !messages.empty() && messages.back().text == "aabb";
  }));
  CHECK(world.client->Close(0ms).ok());
  const Answer answer = asked.get();
  CHECK(answer.status.code() == Code::kCancelled);
  CheckHalf(answer);
}

TEST_CASE("of an answer that broke off, what was not committed is not there") {
  World world;
  world.service.On(kOne).Agent(
      loopback::Play({loopback::Say("kept"), loopback::Begin(), loopback::Say("undone")}).CutAfter(5, CutHow::kClean));
  world.Connect(WithoutRetries(world));
  const Answer answer = Asked(&world);
  CHECK(answer.status.code() == Code::kTruncated);
  CHECK(answer.text == "kept");  // what was never committed is taken back
}

TEST_CASE("of a request that was refused, there is a status and nothing else") {
  World world;
  world.service.On(kOne).Agent(loopback::Quota());
  world.Connect({kOne});
  const Answer refused = Asked(&world, Impatient());
  CHECK(refused.status.code() == Code::kQuotaExhausted);
  CHECK(refused.text.empty());
  CHECK(refused.token.empty());
  CHECK_FALSE(refused.finish_reason);

  const Answer misused = Asked(&world, Request());
  CHECK(misused.status.code() == Code::kInvalidArgument);
  CHECK(world.client->Close(0ms).ok());
  CHECK(Asked(&world).status.code() == Code::kMisuse);
}

}  // namespace warppool
