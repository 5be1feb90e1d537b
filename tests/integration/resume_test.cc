// Answers that break off after their first action, and how they go on: at the same token while it can serve, else as a
// new conversation of another account.

#include "conversation_fixture.h"

namespace warppool {
namespace {

using Cut = loopback::Behaviour::Cut;

loopback::Behaviour TheRest() {
  return loopback::Ok().Text("cccc").Times(1);
}

// The first token serves while it can.
Client& ConnectInOrder(World* world, int retry_budget = 3, std::chrono::milliseconds silence_timeout = 10s) {
  for (const char* token : {kOne, kTwo}) world->service.Accept(token);
  Config config = ConfigFor(world->service, {kOne, kTwo});
  config.strategy = Strategy::kFillFirst;
  config.retry_budget = retry_budget;
  config.silence_timeout = silence_timeout;
  return world->Connect(std::move(config));
}

std::string Served(const World& world) {
  std::string tokens;
  for (const auto& seen : world.service.Requests("/ai/multi-agent")) tokens += seen.token == kOne ? '1' : '2';
  return tokens;
}

bool IsResume(const wire::Request& request) {
  return request.input().has_resume_conversation();
}

// Of one token that has broken off once: it went on with what it had, at the same place.
void CheckResumed(const World& world, const Conversation& conversation) {
  const auto bodies = BodiesOf(world.service);
  REQUIRE(bodies.size() == 2);
  CHECK_FALSE(IsResume(bodies[0]));
  REQUIRE(IsResume(bodies[1]));
  CHECK(bodies[1].metadata().conversation_id() == conversation.id());
  REQUIRE(bodies[1].task_context().tasks_size() == 1);
  REQUIRE(bodies[1].task_context().tasks(0).messages_size() == 2);
  CHECK(bodies[1].task_context().tasks(0).messages(0).user_query().query() == "hello");
  CHECK(bodies[1].task_context().tasks(0).messages(1).agent_output().text() == "aaaa");
}

}  // namespace

TEST_CASE("an answer that breaks off after its first action goes on at the same token") {
  World world;
  world.service.OnAny().Agent(HalfAnAnswer()).Agent(TheRest());
  Client& client = ConnectInOrder(&world);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "st5stf");
  CHECK(viewer.answer() == "aaaacccc");
  CHECK(viewer.failures() == std::vector{std::pair(Code::kTruncated, NextStep::kResume)});
  CHECK(Served(world) == "11");
  CheckResumed(world, conversation);
  CHECK(viewer.Differs(conversation) == "");
  CHECK(Difference(world.service, conversation) == "");
  CHECK(world.StatusOf(0).total_failures == 0);
  CHECK(client.Statistics().tokens[0].counters.Of(Outcome::kStreamCut) == 1);
}

TEST_CASE("an answer that falls silent after its first action goes on at the same token") {
  World world;
  world.service.OnAny().Agent(HalfAnAnswer().CutAfter(3, Cut::kStall)).Agent(TheRest());
  Client& client = ConnectInOrder(&world, 3, 1s);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "st5stf");
  CHECK(viewer.answer() == "aaaacccc");
  CHECK(viewer.failures() == std::vector{std::pair(Code::kNetwork, NextStep::kResume)});
  CHECK(Served(world) == "11");
  CheckResumed(world, conversation);
  CHECK(viewer.Differs(conversation) == "");
  CHECK(Difference(world.service, conversation) == "");
  CHECK(world.StatusOf(0).total_failures == 0);
  CHECK(client.Statistics().tokens[0].counters.Of(Outcome::kStreamCut) == 1);
}

TEST_CASE("a turn that meets nothing but silence is sent again as it was, at the conversation's token") {
  const auto silence = GENERATE(values(
      {loopback::Ok().Delay(60s), loopback::Ok().CutAfter(0, Cut::kStall), loopback::Ok().CutAfter(1, Cut::kStall)}));
  World world;
  world.service.OnAny().Agent(loopback::Ok().Times(1)).Agent(loopback::Behaviour(silence).Times(1));
  Client& client = ConnectInOrder(&world, 3, 1s);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.Turn(&client, Request("again"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "3stf");
  CHECK(viewer.answer() == "Echo: helloEcho: again");
  CHECK(viewer.failures() == std::vector{std::pair(Code::kNetwork, NextStep::kWait)});
  CHECK(Served(world) == "111");
  const auto requests = world.service.Requests("/ai/multi-agent");
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].body == requests[2].body);
  CHECK_FALSE(IsResume(BodiesOf(world.service)[2]));
  CHECK(conversation.Messages().size() == 4);
  CHECK(Difference(world.service, conversation) == "");
  CHECK(world.StatusOf(0).total_failures == 0);
}

TEST_CASE("a request without a conversation of the program's goes on, too, and its answer is whole") {
  World world;
  world.service.OnAny().Agent(HalfAnAnswer()).Agent(TheRest());
  ConnectInOrder(&world);
  const auto answer = world.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->text == "aaaacccc");
  CHECK(Served(world) == "11");
  CHECK(IsResume(BodiesOf(world.service).back()));
}

TEST_CASE("what a transaction left open is taken back before the answer goes on") {
  World world;
  world.service.OnAny()
      .Agent(loopback::Play({loopback::Say("kept"), loopback::Begin(), loopback::Say("undone"), loopback::Say("never")})
                 .CutAfter(5, Cut::kClean)
                 .Times(1))
      .Agent(TheRest());
  Client& client = ConnectInOrder(&world);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "str5stf");
  CHECK(viewer.answer() == "keptcccc");
  CHECK(viewer.Differs(conversation) == "");
  const auto bodies = BodiesOf(world.service);
  REQUIRE(bodies.size() == 2);
  REQUIRE(bodies[1].task_context().tasks_size() == 1);
  CHECK(bodies[1].task_context().tasks(0).messages_size() == 2);
  CHECK(Difference(world.service, conversation) == "");

  World other;
  other.service.OnAny()
      .Agent(loopback::Play({loopback::Say("kept"), loopback::Begin(), loopback::Say("undone"), loopback::Say("never")})
                 .CutAfter(5, Cut::kClean)
                 .Times(1))
      .Agent(TheRest());
  ConnectInOrder(&other);
  const auto answer = other.Ask(Request("hello"));
  REQUIRE(answer.status().ToString() == "ok");
  CHECK(answer->text == "keptcccc");
}

TEST_CASE("a reader that pauses at every text loses nothing of an answer that goes on") {
  World world;
  world.service.OnAny()
      .Agent(loopback::Ok().Text("aaaabbbb").Chunks(8).CutAfter(6, Cut::kClean).Times(1))
      .Agent(loopback::Ok().Text("cccc").Chunks(4).CutAfter(3, Cut::kReset).Gap(5ms).Times(1))
      .Agent(loopback::Ok().Text("dddd").Chunks(4));
  Client& client = ConnectInOrder(&world);
  Conversation conversation;
  Recorder recorder(&world);
  recorder.at_text = Flow::kPause;
  auto stream = client.Start(Request("hello"), conversation, recorder.Callbacks());
  REQUIRE(stream.ok());
  REQUIRE(Eventually([&] {
    (*stream)->Resume();
    return recorder.dones() > 0;
  }));
  CHECK(recorder.status().ToString() == "ok");
  CHECK(recorder.text().find("aaaa") == 0);
  CHECK(recorder.text().find("dddd") == recorder.text().size() - 4);
  std::string text;
  for (const MessageInfo& message : conversation.Messages()) {
    if (message.kind == MessageKind::kAgentOutput) text += message.text;
  }
  CHECK(recorder.text() == text);
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("cuts before and after the first action spend one budget, and the error lists them all") {
  World world;
  world.service.On(kOne)
      .Agent(loopback::Ok().CutAfter(1, Cut::kClean).Times(1))
      .Agent(HalfAnAnswer())
      .Agent(HalfAnAnswer(false))
      .Agent(HalfAnAnswer(false));
  Client& client = world.Connect({kOne});
  Conversation conversation;
  Viewer viewer(&world);
  const Status status = viewer.Turn(&client, Request("hello"), &conversation);
  CHECK(status.code() == Code::kTruncated);
  CHECK(viewer.steps() == "3st5st5st4");
  CHECK(viewer.answer() == "aaaaaaaaaaaa");
  REQUIRE(status.attempts().size() == 4);
  for (const Attempt& attempt : status.attempts()) CHECK(attempt.code == Code::kTruncated);
  CHECK(status.attempts()[0].message.find("event 1") != std::string::npos);
  CHECK(status.attempts()[1].message.find("event 3") != std::string::npos);
  CHECK(status.attempts()[3].message.find("event 2") != std::string::npos);
  CHECK_FALSE(conversation.busy());
  CHECK(Difference(world.service, conversation) == "");
  // What came before stands, and the next turn goes on from there.
  CHECK(viewer.Turn(&client, Request("again"), &conversation).ToString() == "ok");
  CHECK(viewer.answer() == "aaaaaaaaaaaaEcho: again");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("without a budget an answer that breaks off is an error") {
  World world;
  world.service.On(kOne).Agent(HalfAnAnswer());
  Config config = ConfigFor(world.service, {kOne});
  config.retry_budget = 0;
  Client& client = world.Connect(std::move(config));
  Conversation conversation;
  Viewer viewer(&world);
  const Status status = viewer.Turn(&client, Request("hello"), &conversation);
  CHECK(status.code() == Code::kTruncated);
  CHECK(status.ToString().find("event 3") != std::string::npos);
  CHECK(viewer.steps() == "st4");
  CHECK(viewer.answer() == "aaaa");
  CHECK(viewer.Turn(&client, Request("again"), &conversation).ToString() == "ok");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("when the token's quota is used up in between, the answer goes on at another account") {
  const bool is_told_in_stream = GENERATE(false, true);
  World world;
  world.service.On(kOne)
      .Agent(HalfAnAnswer())
      .Agent((is_told_in_stream ? loopback::QuotaFinish() : loopback::Quota()).Times(1));
  world.service.On(kTwo).Agent(TheRest());
  Client& client = ConnectInOrder(&world);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "st52mstf");
  CHECK(viewer.answer() == "aaaacccc");
  CHECK(Served(world) == "112");
  const auto names = client.Pool().tokens;
  CHECK(viewer.moved_from() == names[0].name);
  CHECK(conversation.token() == names[1].name);
  CHECK(names[0].state == TokenState::kCooling);

  const auto bodies = BodiesOf(world.service);
  REQUIRE(bodies.size() == 3);
  CHECK(bodies[1].metadata().conversation_id() == world.service.Conversations()[0].id);
  CHECK(IsResume(bodies[2]));
  CHECK(bodies[2].metadata().conversation_id().empty());
  CHECK(loopback::Bytes(bodies[2].task_context()) == loopback::Bytes(bodies[1].task_context()));
  REQUIRE(world.service.Conversations().size() == 2);
  CHECK(conversation.id() == world.service.Conversations()[1].id);
  CHECK(Difference(world.service, conversation) == "");

  // It stays there, also when the first one is back.
  CHECK(client.RecoverAll().ok());
  CHECK(viewer.Turn(&client, Request("again"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "stf");
  CHECK(Served(world) == "1122");
}

TEST_CASE("a service that is overloaded is waited for, and the conversation stays with its token") {
  World world;
  world.service.On(kOne).Agent(HalfAnAnswer()).Agent(loopback::Overloaded().Times(1)).Agent(TheRest());
  world.service.On(kOne).Agent(loopback::Status(503).Times(3));
  world.service.Accept(kTwo);
  Client& client = ConnectInOrder(&world);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "st55stf");
  CHECK(viewer.answer() == "aaaacccc");
  CHECK(viewer.Turn(&client, Request("again"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "333stf");
  CHECK(Served(world) == "1111111");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("when a conversation may not wait any more, another account takes it over") {
  World world;
  world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(503));
  world.service.Accept(kTwo);
  Client& client = ConnectInOrder(&world, 1);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.Turn(&client, Request("again"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "32mstf");
  CHECK(Served(world) == "1112");
  CHECK(viewer.answer() == "Echo: helloEcho: again");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("a JWT that is stale is replaced, and the answer goes on at the same token") {
  World world;
  world.service.On(kOne).Agent(HalfAnAnswer()).Agent(loopback::Status(401).Times(1)).Agent(TheRest());
  world.service.Accept(kTwo);
  Client& client = ConnectInOrder(&world);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "st51stf");
  CHECK(viewer.answer() == "aaaacccc");
  CHECK(Served(world) == "111");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("a conversation moves when its token is dead") {
  World world;
  world.service.On(kOne)
      .Exchange(loopback::Ok().Times(1))
      .Exchange(loopback::Dead("USER_DISABLED"))
      .Agent(HalfAnAnswer())
      .Agent(loopback::Status(401).Times(1));
  world.service.On(kTwo).Agent(TheRest());
  Client& client = ConnectInOrder(&world);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "st512mstf");
  CHECK(viewer.answer() == "aaaacccc");
  CHECK(world.StatusOf(0).state == TokenState::kDisabled);
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("another token of the same account goes on with the conversation as it is") {
  World world;
  world.service.AcceptAs(kOne, "alice").AcceptAs(kTwo, "alice");
  world.service.On(kOne).Agent(HalfAnAnswer()).Agent(loopback::Status(403).Times(1));
  world.service.On(kTwo).Agent(TheRest());
  Client& client = ConnectInOrder(&world);
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "st52stf");
  CHECK(Served(world) == "112");
  const auto bodies = BodiesOf(world.service);
  CHECK(bodies.back().metadata().conversation_id() == conversation.id());
  CHECK(conversation.id() == world.service.Conversations()[0].id);
  CHECK(conversation.token() == client.Pool().tokens[1].name);
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("a conversation prefers a token of its account to one of another") {
  World world;
  world.service.AcceptAs(kOne, "alice").Accept("fake-token-other").AcceptAs(kTwo, "alice");
  world.service.On(kOne).Agent(loopback::Ok().Times(1)).Agent(loopback::Status(403).Times(1));
  Config config = ConfigFor(world.service, {kOne, "fake-token-other", kTwo});
  Client& client = world.Connect(std::move(config));
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request("hello"), &conversation).ToString() == "ok");
  for (int i = 0; i < 2; ++i) CHECK(world.Ask(Request("whose are you?")).ok());  // the other two
  CHECK(viewer.Turn(&client, Request("again"), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == "2stf");
  CHECK(conversation.token() == client.Pool().tokens[2].name);
  CHECK(Difference(world.service, conversation) == "");
}

}  // namespace warppool
