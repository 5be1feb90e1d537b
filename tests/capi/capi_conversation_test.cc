// Conversations in C: turns, what can be seen of them, and handles that go in any order.
#include <warppool.h>

#include <string>
#include <vector>

#include "capi_client.h"
#include "capi_world.h"
#include "catch.h"
#include "handle.h"
#include "refusals.h"

using namespace std::string_literals;

namespace {

ConversationHandle& Create(ConversationHandle* conversation) {
  REQUIRE(warppool_conversation_create(conversation->out(), nullptr) == WARPPOOL_OK);
  return *conversation;
}

// "2: one|3: Echo: one": kinds and texts.
std::string Written(const warppool_conversation* conversation, const char* task_id = nullptr) {
  MessageListHandle list;
  REQUIRE(warppool_conversation_messages(conversation, task_id, list.out(), nullptr) == WARPPOOL_OK);
  std::string all;
  for (size_t i = 0; i < warppool_message_list_count(list); ++i) {
    warppool_message_info info = WARPPOOL_MESSAGE_INFO_INIT;
    REQUIRE(warppool_message_list_get(list, i, &info, nullptr) == WARPPOOL_OK);
    CHECK(info.id != ""s);
    CHECK(info.text[info.length] == '\0');
    all += (i == 0 ? "" : "|") + std::to_string(info.kind) + ": " + std::string(info.text, info.length);
  }
  return all;
}

struct Talk : World {
  explicit Talk(std::initializer_list<const char*> tokens = {kOne}) {
    for (const char* token : tokens) service.Accept(token);
    Connect(tokens);
    Create(&conversation);
  }
  warppool_code AskTurn(const char* query) {
    MakeRequest(query, &request);
    AnswerHandle answer;
    ErrorHandle error;
    const warppool_code code = warppool_client_ask_turn(client, conversation, request, answer.out(), error.out());
    service.Said(error);
    said = code == WARPPOOL_OK ? warppool_answer_text(answer, nullptr) : warppool_error_message(error);
    return code;
  }
  warppool_conversation_view* Look() {
    REQUIRE(warppool_conversation_inspect(conversation, view.out(), nullptr) == WARPPOOL_OK);
    return view;
  }

  ConversationHandle conversation;
  ConversationViewHandle view;
  std::string said;
};

// A turn with tool calls and a to-do list.
loopback::Behaviour Busy() {
  return loopback::Play({loopback::Say("wait"), loopback::Todos({"look", "tell"}), loopback::TodosDone({"todo-1"}),
                         loopback::SubTask("errand", {loopback::Say("on my way"), loopback::Summary("been there")}),
                         loopback::CallMcp("weather", R"({"city":"Graz"})", "server-1"),
                         loopback::CallShell("make test")})
      .Times(1);
}

}  // namespace

TEST_CASE("a conversation goes on however its turns are taken") {
  Talk talk;
  MakeRequest("one", &talk.request);
  Recorder recorder(&talk.service);
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  StreamHandle stream;
  REQUIRE(warppool_client_start_turn(talk.client, talk.conversation, talk.request, &callbacks, stream.out(), nullptr) ==
          WARPPOOL_OK);
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_OK);
  CHECK(TextOf(recorder.Records()) == "Echo: one");

  MakeRequest("two", &talk.request);
  REQUIRE(warppool_client_start_turn_pull(talk.client, talk.conversation, talk.request, stream.out(), nullptr) ==
          WARPPOOL_OK);
  const warppool_event* event = nullptr;
  warppool_code code = WARPPOOL_OK;
  while ((code = warppool_stream_next(stream, 30'000, &event, nullptr)) == WARPPOOL_OK) {
    talk.service.Said(RecordOf(event));
  }
  CHECK(code == WARPPOOL_END);

  REQUIRE(talk.AskTurn("three") == WARPPOOL_OK);
  CHECK(talk.said == "Echo: three");
  CHECK(Written(talk.conversation) == "2: one|3: Echo: one|2: two|3: Echo: two|2: three|3: Echo: three");
  REQUIRE(talk.service.Conversations().size() == 1);
  warppool_conversation_view* view = talk.Look();
  CHECK(warppool_conversation_view_id(view) == talk.service.Conversations()[0].id);
  CHECK(warppool_conversation_view_token(view) == talk.Name(0));
  warppool_usage usage = WARPPOOL_USAGE_INIT;
  REQUIRE(warppool_conversation_view_usage(view, &usage, nullptr) == WARPPOOL_OK);
  CHECK(usage.input_tokens == 11);
  CHECK(usage.credits == 3);
  CHECK(warppool_conversation_busy(talk.conversation) == 0);
}

TEST_CASE("C sees the agent's calls, tasks and to-do lists, and answers the calls") {
  Talk talk;
  talk.service.On(kOne).Agent(Busy());
  REQUIRE(talk.AskTurn("hello") == WARPPOOL_OK);
  const warppool_conversation_view* view = talk.Look();
  REQUIRE(warppool_conversation_view_task_count(view) == 2);
  warppool_task_info root = WARPPOOL_TASK_INFO_INIT;
  warppool_task_info errand = WARPPOOL_TASK_INFO_INIT;
  REQUIRE(warppool_conversation_view_task(view, 0, &root, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_conversation_view_task(view, 1, &errand, nullptr) == WARPPOOL_OK);
  CHECK(root.parent_id == ""s);
  CHECK(root.message_count == 6);
  CHECK(root.todo_count == 2);
  CHECK(errand.parent_id == std::string(root.id));
  CHECK(errand.description == "errand"s);
  CHECK(errand.summary == "been there"s);
  CHECK(errand.message_count == 1);
  CHECK(errand.todo_count == 0);
  CHECK(Written(talk.conversation, errand.id) == "3: on my way");
  CHECK(Written(talk.conversation, "no such task").empty());
  warppool_todo_info todo = WARPPOOL_TODO_INFO_INIT;
  REQUIRE(warppool_conversation_view_todo(view, 0, 0, &todo, nullptr) == WARPPOOL_OK);
  CHECK(todo.id == "todo-1"s);
  CHECK(todo.title == "look"s);
  CHECK(todo.description == ""s);
  CHECK(todo.done == 1);
  REQUIRE(warppool_conversation_view_todo(view, 0, 1, &todo, nullptr) == WARPPOOL_OK);
  CHECK(todo.done == 0);

  REQUIRE(warppool_conversation_view_tool_call_count(view) == 2);
  warppool_tool_call_info mcp = WARPPOOL_TOOL_CALL_INFO_INIT;
  warppool_tool_call_info shell = WARPPOOL_TOOL_CALL_INFO_INIT;
  REQUIRE(warppool_conversation_view_tool_call(view, 0, &mcp, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_conversation_view_tool_call(view, 1, &shell, nullptr) == WARPPOOL_OK);
  CHECK(mcp.task_id == std::string(root.id));
  CHECK(mcp.message_id != ""s);
  CHECK(mcp.tool == std::string(warppool_tool_name(WARPPOOL_TOOL_CALL_MCP_TOOL)));
  CHECK(mcp.function == "weather"s);
  CHECK(mcp.server_id == "server-1"s);
  CHECK(mcp.arguments == R"({"city":"Graz"})"s);
  CHECK(shell.tool == std::string(warppool_tool_name(WARPPOOL_TOOL_RUN_SHELL_COMMAND)));
  CHECK(shell.function == ""s);
  CHECK(std::string(shell.bytes, shell.bytes + shell.length).find("make test") != std::string::npos);

  warppool_shell_result result = WARPPOOL_SHELL_RESULT_INIT;
  result.command = "make test";
  result.output = "all well";
  MakeRequest("", &talk.request);
  REQUIRE(warppool_request_add_tool_result_text(talk.request, mcp.id, "22 degrees", nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_request_add_tool_result_shell(talk.request, shell.id, WARPPOOL_TOOL_RUN_SHELL_COMMAND, &result,
                                                 nullptr) == WARPPOOL_OK);
  AnswerHandle answer;
  REQUIRE(warppool_client_ask_turn(talk.client, talk.conversation, talk.request, answer.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_answer_text(answer, nullptr) == "Results: 2"s);
  CHECK(warppool_conversation_view_tool_call_count(talk.Look()) == 0);
}

TEST_CASE("a conversation that C saved goes on elsewhere, with the token that began it") {
  Talk talk({kOne, kTwo});
  REQUIRE(talk.AskTurn("one") == WARPPOOL_OK);
  const std::string token = warppool_conversation_view_token(talk.Look());
  BytesHandle bytes;
  REQUIRE(warppool_conversation_save(talk.conversation, bytes.out(), nullptr) == WARPPOOL_OK);
  size_t length = 0;
  const uint8_t* data = warppool_bytes_data(bytes, &length);
  CHECK(warppool_bytes_data(bytes, nullptr) == data);
  const std::string saved(data, data + length);
  CHECK(saved.find("demo-token") == std::string::npos);
  warppool_conversation_destroy(talk.conversation.out());

  talk.service.Said(talk.client);
  MakeClient(talk.service, {kTwo, kOne}, &talk.client);
  ConversationHandle& restored = talk.conversation;
  REQUIRE(warppool_conversation_restore(data, length, restored.out(), nullptr) == WARPPOOL_OK);
  CHECK(Written(restored) == "2: one|3: Echo: one");
  REQUIRE(talk.AskTurn("two") == WARPPOOL_OK);
  CHECK(warppool_conversation_view_token(talk.Look()) == token);
  CHECK(talk.service.Conversations().size() == 1);

  ErrorHandle error;
  ConversationHandle none;
  CHECK(warppool_conversation_restore(data, length - 1, none.out(), error.out()) == WARPPOOL_INVALID_ARGUMENT);
  CHECK(Contains(warppool_error_message(error), "no saved conversation"));
  CHECK(warppool_conversation_restore(data, 0, none.out(), nullptr) == WARPPOOL_INVALID_ARGUMENT);
  CHECK(none == nullptr);
}

TEST_CASE("C: a conversation has one request at a time, and none that is raw") {
  Talk talk;
  talk.service.On(kOne).Agent(loopback::Ok().CutAfter(4, loopback::Behaviour::Cut::kStall));
  MakeRequest("one", &talk.request);
  Recorder recorder(&talk.service);
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  StreamHandle stream;
  REQUIRE(warppool_client_start_turn(talk.client, talk.conversation, talk.request, &callbacks, stream.out(), nullptr) ==
          WARPPOOL_OK);
  REQUIRE(recorder.WaitForText());
  CHECK(warppool_conversation_busy(talk.conversation) == 1);
  CHECK(talk.AskTurn("two") == WARPPOOL_MISUSE);
  auto* none = Rubbish<warppool_stream>();
  CHECK(warppool_client_start_turn_pull(talk.client, talk.conversation, talk.request, &none, nullptr) ==
        WARPPOOL_MISUSE);
  CHECK(none == nullptr);
  warppool_stream_destroy(stream.out());
  CHECK(warppool_conversation_busy(talk.conversation) == 0);
  CHECK(recorder.Code() == WARPPOOL_CANCELLED);

  const uint8_t raw[] = {1};
  REQUIRE(warppool_request_set_raw(talk.request, raw, sizeof raw, nullptr) == WARPPOOL_OK);
  none = Rubbish<warppool_stream>();
  CHECK(warppool_client_start_turn(talk.client, talk.conversation, talk.request, &callbacks, &none, nullptr) ==
        WARPPOOL_INVALID_ARGUMENT);
  CHECK(none == nullptr);
  CHECK(warppool_conversation_busy(talk.conversation) == 0);
}

TEST_CASE("what belongs to a conversation outlives it, and a request its conversation") {
  Talk talk;
  talk.service.On(kOne).Agent(Busy()).Agent(loopback::Ok().Gap(std::chrono::milliseconds(5)));
  REQUIRE(talk.AskTurn("hello") == WARPPOOL_OK);
  MessageListHandle messages;
  BytesHandle bytes;
  REQUIRE(warppool_conversation_messages(talk.conversation, nullptr, messages.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_conversation_save(talk.conversation, bytes.out(), nullptr) == WARPPOOL_OK);
  warppool_conversation_view* view = talk.Look();
  MakeRequest("again", &talk.request);
  StreamHandle stream;
  Recorder recorder(&talk.service);
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  REQUIRE(warppool_client_start_turn(talk.client, talk.conversation, talk.request, &callbacks, stream.out(), nullptr) ==
          WARPPOOL_OK);
  warppool_conversation_destroy(talk.conversation.out());
  REQUIRE(recorder.WaitForDone());
  CHECK(recorder.Code() == WARPPOOL_OK);
  CHECK(TextOf(recorder.Records()) == "Echo: again");
  CHECK(warppool_conversation_view_task_count(view) == 2);
  CHECK(warppool_message_list_count(messages) == 6);
  size_t length = 0;
  CHECK(warppool_bytes_data(bytes, &length) != nullptr);
  CHECK(length > 100);

  // The client before its conversation, in mid-answer.
  talk.service.On(kOne).Agent(loopback::Ok().CutAfter(4, loopback::Behaviour::Cut::kStall));
  Create(&talk.conversation);
  Recorder last(&talk.service);
  const warppool_stream_callbacks last_callbacks = last.Callbacks();
  REQUIRE(warppool_client_start_turn(talk.client, talk.conversation, talk.request, &last_callbacks, stream.out(),
                                     nullptr) == WARPPOOL_OK);
  REQUIRE(last.WaitForText());
  talk.service.Said(talk.client);
  REQUIRE(warppool_client_destroy(talk.client.out()) == WARPPOOL_OK);
  CHECK(last.Code() == WARPPOOL_CANCELLED);
  CHECK(warppool_conversation_busy(talk.conversation) == 0);
  CHECK(Written(talk.conversation).find("2: again|3: E") == 0);
}

TEST_CASE("conversation functions name the parameter that is NULL, and clear what they would have set") {
  Talk talk;
  MakeRequest("one", &talk.request);
  const uint8_t byte = 0;
  auto* conversation = Rubbish<warppool_conversation>();
  auto* bytes = Rubbish<warppool_bytes>();
  auto* view = Rubbish<warppool_conversation_view>();
  auto* list = Rubbish<warppool_message_list>();
  auto* stream = Rubbish<warppool_stream>();
  auto* answer = Rubbish<warppool_answer>();
  Recorder recorder(&talk.service);
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  warppool_client* const client = talk.client;
  warppool_conversation* const talking = talk.conversation;
  CheckNames("conversation", [](auto** e) { return warppool_conversation_create(nullptr, e); });
  CheckNames("conversation", [&](auto** e) { return warppool_conversation_restore(&byte, 1, nullptr, e); });
  CheckNames("bytes", [&](auto** e) { return warppool_conversation_restore(nullptr, 0, &conversation, e); });
  CheckNames("conversation", [&](auto** e) { return warppool_conversation_save(nullptr, &bytes, e); });
  CheckNames("bytes", [&](auto** e) { return warppool_conversation_save(talking, nullptr, e); });
  CheckNames("conversation", [&](auto** e) { return warppool_conversation_inspect(nullptr, &view, e); });
  CheckNames("view", [&](auto** e) { return warppool_conversation_inspect(talking, nullptr, e); });
  CheckNames("conversation", [&](auto** e) { return warppool_conversation_messages(nullptr, nullptr, &list, e); });
  CheckNames("messages", [&](auto** e) { return warppool_conversation_messages(talking, nullptr, nullptr, e); });
  const auto turn = [&](const char* missing, auto* c, auto* talk_with, auto* request, auto* calls, auto** out) {
    CheckNames(missing, [&](auto** e) { return warppool_client_start_turn(c, talk_with, request, calls, out, e); });
  };
  const warppool_request* const request = talk.request;
  warppool_client* const no_client = nullptr;
  warppool_conversation* const no_conversation = nullptr;
  const warppool_request* const no_request = nullptr;
  const warppool_stream_callbacks* const no_callbacks = nullptr;
  turn("client", no_client, talking, request, &callbacks, &stream);
  turn("conversation", client, no_conversation, request, &callbacks, &stream);
  turn("request", client, talking, no_request, &callbacks, &stream);
  turn("callbacks", client, talking, request, no_callbacks, &stream);
  turn("stream", client, talking, request, &callbacks, static_cast<warppool_stream**>(nullptr));
  CHECK(stream == nullptr);
  stream = Rubbish<warppool_stream>();
  const auto pull = [&](const char* missing, auto* c, auto* talk_with, auto* what, auto** out) {
    CheckNames(missing, [&](auto** e) { return warppool_client_start_turn_pull(c, talk_with, what, out, e); });
  };
  pull("client", no_client, talking, request, &stream);
  pull("conversation", client, no_conversation, request, &stream);
  pull("request", client, talking, no_request, &stream);
  pull("stream", client, talking, request, static_cast<warppool_stream**>(nullptr));
  const auto ask = [&](const char* missing, auto* c, auto* talk_with, auto* what, auto** out) {
    CheckNames(missing, [&](auto** e) { return warppool_client_ask_turn(c, talk_with, what, out, e); });
  };
  ask("client", no_client, talking, request, &answer);
  ask("conversation", client, no_conversation, request, &answer);
  ask("request", client, talking, no_request, &answer);
  ask("answer", client, talking, request, static_cast<warppool_answer**>(nullptr));
  for (const void* cleared : std::initializer_list<const void*>{conversation, bytes, view, list, stream, answer}) {
    CHECK(cleared == nullptr);
  }
  CHECK(talk.service.Count("/ai/multi-agent") == 0);
}

TEST_CASE("what reads a conversation takes NULL for nothing, and no index beyond the end") {
  Talk talk;
  talk.service.On(kOne).Agent(Busy());
  REQUIRE(talk.AskTurn("hello") == WARPPOOL_OK);
  const warppool_conversation_view* view = talk.Look();
  MessageListHandle messages;
  REQUIRE(warppool_conversation_messages(talk.conversation, nullptr, messages.out(), nullptr) == WARPPOOL_OK);
  warppool_usage usage = WARPPOOL_USAGE_INIT;
  warppool_task_info task = WARPPOOL_TASK_INFO_INIT;
  warppool_todo_info todo = WARPPOOL_TODO_INFO_INIT;
  warppool_tool_call_info call = WARPPOOL_TOOL_CALL_INFO_INIT;
  warppool_message_info message = WARPPOOL_MESSAGE_INFO_INIT;

  size_t length = 7;
  CHECK(warppool_conversation_busy(nullptr) == 0);
  CHECK(warppool_bytes_data(nullptr, &length) != nullptr);
  CHECK(length == 0);
  CHECK(warppool_conversation_view_id(nullptr) == ""s);
  CHECK(warppool_conversation_view_token(nullptr) == ""s);
  CHECK(warppool_conversation_view_task_count(nullptr) == 0);
  CHECK(warppool_conversation_view_tool_call_count(nullptr) == 0);
  CHECK(warppool_message_list_count(nullptr) == 0);
  warppool_conversation_destroy(nullptr);
  warppool_conversation_view_destroy(nullptr);
  warppool_message_list_destroy(nullptr);
  warppool_bytes_destroy(nullptr);
  ConversationHandle empty;
  Create(&empty);
  ConversationViewHandle of_empty;
  REQUIRE(warppool_conversation_inspect(empty, of_empty.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_conversation_view_id(of_empty) == ""s);
  CHECK(warppool_conversation_view_task_count(of_empty) == 0);
  CHECK(Written(empty).empty());

  CheckNames("view", [&](auto** e) { return warppool_conversation_view_usage(nullptr, &usage, e); });
  CheckNames("usage", [&](auto** e) { return warppool_conversation_view_usage(view, nullptr, e); });
  CheckNames("view", [&](auto** e) { return warppool_conversation_view_task(nullptr, 0, &task, e); });
  CheckNames("task", [&](auto** e) { return warppool_conversation_view_task(view, 0, nullptr, e); });
  CheckNames("view", [&](auto** e) { return warppool_conversation_view_todo(nullptr, 0, 0, &todo, e); });
  CheckNames("todo", [&](auto** e) { return warppool_conversation_view_todo(view, 0, 0, nullptr, e); });
  CheckNames("view", [&](auto** e) { return warppool_conversation_view_tool_call(nullptr, 0, &call, e); });
  CheckNames("call", [&](auto** e) { return warppool_conversation_view_tool_call(view, 0, nullptr, e); });
  CheckNames("messages", [&](auto** e) { return warppool_message_list_get(nullptr, 0, &message, e); });
  CheckNames("message", [&](auto** e) { return warppool_message_list_get(messages, 0, nullptr, e); });

  const std::string beyond = "index: is out of range";
  for (const size_t index : {size_t{2}, static_cast<size_t>(-1)}) {
    CHECK(Complaint([&](auto** e) { return warppool_conversation_view_task(view, index, &task, e); }) == beyond);
    CHECK(Complaint([&](auto** e) { return warppool_conversation_view_todo(view, 0, index, &todo, e); }) == beyond);
    CHECK(Complaint([&](auto** e) { return warppool_conversation_view_todo(view, index, 0, &todo, e); }) ==
          "task_" + beyond);
    CHECK(Complaint([&](auto** e) { return warppool_conversation_view_tool_call(view, index, &call, e); }) == beyond);
  }
  CHECK(Complaint([&](auto** e) { return warppool_message_list_get(messages, 6, &message, e); }) == beyond);

  CheckSizes("usage", usage, [&](auto* s, auto** e) { return warppool_conversation_view_usage(view, s, e); });
  CheckSizes("task", task, [&](auto* s, auto** e) { return warppool_conversation_view_task(view, 0, s, e); });
  CheckSizes("todo", todo, [&](auto* s, auto** e) { return warppool_conversation_view_todo(view, 0, 0, s, e); });
  CheckSizes("call", call, [&](auto* s, auto** e) { return warppool_conversation_view_tool_call(view, 0, s, e); });
  CheckSizes("message", message, [&](auto* s, auto** e) { return warppool_message_list_get(messages, 0, s, e); });
}
