// Conversations of some turns: what they hold, who may use them when, and what becomes of them.

#include <atomic>

#include "conversation_fixture.h"

namespace warppool {
namespace {

Result<Answer> Ask(World* world, const Request& request, Conversation* conversation) {
  Answer answer = world->client->Ask(request, *conversation);
  world->Said(answer.status);
  if (!answer.ok()) return answer.status;
  return answer;
}

// "user_query: one|agent_output: Echo: one"
std::string Written(const Conversation& conversation) {
  std::string all;
  for (const MessageInfo& message : conversation.Messages()) {
    all += (all.empty() ? "" : "|") + std::string(MessageKindName(message.kind)) + ": " + message.text;
  }
  return all;
}

std::vector<ToolResult> Results(std::initializer_list<ToolResult> results) {
  return results;
}

}  // namespace

TEST_CASE("the second turn brings back what the first one left") {
  World world;
  world.service.Accept(kOne);
  Client& client = world.Connect({kOne});
  Conversation conversation;
  CHECK(conversation.id().empty());
  CHECK(conversation.token().empty());
  CHECK(conversation.Tasks().empty());
  const auto first = Ask(&world, Request("one"), &conversation);
  REQUIRE(first.status().ToString() == "ok");
  const std::string between = TasksOf(conversation);
  const auto second = Ask(&world, Request("and two"), &conversation);
  REQUIRE(second.status().ToString() == "ok");
  CHECK(second->text == "Echo: and two");
  CHECK(second->conversation_id == first->conversation_id);

  CHECK(conversation.id() == first->conversation_id);
  CHECK(conversation.token() == client.Pool().tokens[0].name);
  CHECK_FALSE(conversation.busy());
  CHECK(Written(conversation) ==
        "user_query: one|agent_output: Echo: one|user_query: and two|agent_output: Echo: and two");
  REQUIRE(conversation.Tasks().size() == 1);
  CHECK(conversation.Tasks()[0].parent_id.empty());
  CHECK(conversation.Tasks()[0].messages == 4);
  CHECK(conversation.Messages(conversation.Tasks()[0].id).size() == 4);
  CHECK(conversation.Messages("no such task").empty());
  CHECK(conversation.usage().input_tokens == 3 + 7);
  CHECK(conversation.usage().output_tokens == 9 + 13);
  CHECK(conversation.usage().credits == first->usage.credits + second->usage.credits);
  CHECK(conversation.usage().credits == 2);
  CHECK(conversation.usage().context_window_usage == 0.25);

  const auto bodies = BodiesOf(world.service);
  REQUIRE(bodies.size() == 2);
  CHECK(bodies[0].metadata().conversation_id().empty());
  CHECK(bodies[0].task_context().tasks().empty());
  CHECK(bodies[1].metadata().conversation_id() == conversation.id());
  CHECK(loopback::Bytes(bodies[1].task_context()) == between);
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("tool calls wait for results, and are answered by the next request") {
  World world;
  world.service.On(kOne).Agent(
      loopback::Play({loopback::Say("wait"), loopback::Todos({"look", "tell"}), loopback::TodosDone({"todo-1"}),
                      loopback::CallMcp("weather", R"({"city":"Graz"})", "server-1"), loopback::CallShell("make test")})
          .Times(1));
  world.Connect({kOne});
  Conversation conversation;
  REQUIRE(Ask(&world, Request("hello"), &conversation).ok());
  const auto calls = conversation.PendingToolCalls();
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].tool == "call_mcp_tool");
  CHECK(calls[0].name == "weather");
  CHECK(calls[0].server_id == "server-1");
  CHECK(calls[0].arguments == R"({"city":"Graz"})");
  CHECK(calls[0].task_id == conversation.Tasks()[0].id);
  CHECK(calls[1].tool == "run_shell_command");
  CHECK(calls[1].name.empty());
  CHECK(calls[1].arguments.find("make test") != std::string::npos);
  wire::Message::ToolCall call;
  REQUIRE(call.ParseFromString(calls[1].bytes));
  CHECK(call.tool_call_id() == calls[1].id);
  CHECK(call.run_shell_command().command() == "make test");
  const auto todos = conversation.Todos();
  REQUIRE(todos.size() == 2);
  CHECK(todos[0].title == "look");
  CHECK(todos[0].done);
  CHECK_FALSE(todos[1].done);

  Request next;
  next.tool_results = Results({{calls[0].id, Tool::kCallMcpTool, McpOutput::Text("22 degrees")}});
  REQUIRE(Ask(&world, next, &conversation).status().ToString() == "ok");
  REQUIRE(conversation.PendingToolCalls().size() == 1);
  CHECK(conversation.PendingToolCalls()[0].id == calls[1].id);
  next.tool_results = Results({{calls[1].id, Tool::kRunShellCommand, ShellFinished{"make test", "all well", 0, "c1"}}});
  next.query = "And now?";
  REQUIRE(Ask(&world, next, &conversation).status().ToString() == "ok");
  CHECK(conversation.PendingToolCalls().empty());
  const auto messages = conversation.Messages();
  REQUIRE(messages.size() == 11);
  CHECK(messages[6].kind == MessageKind::kToolCallResult);
  CHECK(messages[6].json.find("22 degrees") != std::string::npos);
  CHECK(messages[7].text == "Results: 1");
  CHECK(messages[10].text == "Echo: And now?");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("a conversation has one request at a time, and is free when the end of that is told") {
  Gate gate;
  World world;
  world.service.Accept(kOne);
  world.service.Decide([&](loopback::Endpoint endpoint, const std::string& /*token*/) {
    if (endpoint == loopback::Endpoint::kAgent) gate.Pass();
    return std::optional<loopback::Behaviour>();
  });
  Client& client = world.Connect({kOne});
  auto other = Client::Create(ConfigFor(world.service, {kOne}));
  REQUIRE(other.ok());
  Conversation conversation;
  Recorder next(&world);
  std::unique_ptr<Stream> next_stream;
  Status next_start(Code::kTimeout, "it was not tried");
  std::atomic<bool> done{false};
  gate.Close();
  auto stream = client.Start(Request("one"), conversation, {{}, [&](const Status& /*status*/) {
                                                              auto begun = client.Start(Request("two"), conversation,
                                                                                        next.Callbacks());
                                                              next_start = begun.status();
                                                              if (begun.ok()) next_stream = *std::move(begun);
                                                              done = true;
                                                            }});
  REQUIRE(stream.ok());
  REQUIRE(gate.WaitUntilInside(1));
  CHECK(conversation.busy());
  for (Client* one : {&client, other->get()}) {
    REQUIRE(one->Start(Request("no"), conversation).code() == Code::kMisuse);  // or the others would wait
    CHECK(one->Start(Request("no"), conversation, StreamCallbacks()).code() == Code::kMisuse);
    CHECK(one->Ask(Request("no"), conversation).status.code() == Code::kMisuse);
  }
  // A request that is refused for itself leaves no trace.
  CHECK(client.Start(Request(), conversation).code() == Code::kInvalidArgument);
  gate.Open();
  REQUIRE(Eventually([&] { return done.load(); }));
  CHECK(next_start.ToString() == "ok");
  REQUIRE(next.WaitUntilDone());
  CHECK(next.status().ToString() == "ok");
  CHECK(next.text() == "Echo: two");
  CHECK(Written(conversation) == "user_query: one|agent_output: Echo: one|user_query: two|agent_output: Echo: two");
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("a request that cannot be started leaves the conversation free") {
  World world;
  world.service.Accept(kOne);
  Client& client = world.Connect({kOne});
  Conversation conversation;
  CHECK(client.Start(Request(), conversation).code() == Code::kInvalidArgument);
  Request raw;
  raw.raw = "bytes";
  CHECK(client.Start(raw, conversation).code() == Code::kInvalidArgument);
  CHECK_FALSE(conversation.busy());
  CHECK(client.Close(0ms).ok());
  CHECK(client.Start(Request("hello"), conversation).code() == Code::kMisuse);
  CHECK_FALSE(conversation.busy());
}

TEST_CASE("a saved conversation goes on in another client, at the token that began it") {
  World world;
  for (const char* token : {kOne, kTwo, kThree}) world.service.Accept(token);
  world.Connect({kOne, kTwo, kThree});
  REQUIRE(world.Ask(Request("the first token's turn")).ok());
  Conversation conversation;
  REQUIRE(Ask(&world, Request("one"), &conversation).ok());
  const std::string bytes = *conversation.Save();
  for (const char* token : {kOne, kTwo, kThree}) CHECK(bytes.find(token) == std::string::npos);

  for (const auto& order : {std::vector<std::string>{kOne, kTwo, kThree}, {kThree, kTwo, kOne}, {kTwo}}) {
    world.Connect(order);
    auto restored = Conversation::Restore(*conversation.Save());
    REQUIRE(restored.status().ToString() == "ok");
    CHECK(restored->id() == conversation.id());
    CHECK(restored->token() == conversation.token());
    CHECK(restored->usage().credits == conversation.usage().credits);
    CHECK(TasksOf(*restored) == TasksOf(conversation));
    for (const char* query : {"two", "three"}) CHECK(Ask(&world, Request(query), &*restored).ok());
    CHECK(Difference(world.service, *restored) == "");
    conversation = *std::move(restored);
  }
  CHECK(world.service.Count("/ai/multi-agent", kTwo) == 7);
  CHECK(world.service.Conversations().size() == 2);
  CHECK(conversation.Messages().size() == 14);

  // Without that token it is another account's from now on.
  world.Connect({kThree});
  const std::string old = conversation.id();
  CHECK(Ask(&world, Request("elsewhere"), &conversation).ok());
  CHECK(conversation.id() != old);
  CHECK(Difference(world.service, conversation) == "");
}

TEST_CASE("what is no saved conversation is refused") {
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne});
  Conversation conversation;
  REQUIRE(Ask(&world, Request("one"), &conversation).ok());
  std::string bytes = *conversation.Save();
  CHECK(Conversation::Restore("").code() == Code::kInvalidArgument);
  CHECK(Conversation::Restore(bytes.substr(0, bytes.size() - 1)).code() == Code::kInvalidArgument);
  bytes[bytes.size() / 2] ^= 1;
  CHECK(Conversation::Restore(bytes).code() == Code::kInvalidArgument);
}

TEST_CASE("the service is asked to sum up, or to go on") {
  World world;
  world.service.Accept(kOne);
  world.Connect({kOne});
  Conversation conversation;
  REQUIRE(Ask(&world, Request("one"), &conversation).ok());
  Request request("keep the names");
  request.kind = RequestKind::kSummarize;
  const auto summary = Ask(&world, request, &conversation);
  REQUIRE(summary.status().ToString() == "ok");
  CHECK(summary->text == "Summarized.");
  Request resume;
  resume.kind = RequestKind::kResume;
  const auto resumed = Ask(&world, resume, &conversation);
  REQUIRE(resumed.status().ToString() == "ok");
  CHECK(resumed->text == "Resumed.");
  const auto bodies = BodiesOf(world.service);
  REQUIRE(bodies.size() == 3);
  CHECK(bodies[1].input().summarize_conversation().prompt() == "keep the names");
  CHECK(bodies[2].input().has_resume_conversation());
  CHECK(Difference(world.service, conversation) == "");
}

}  // namespace warppool
