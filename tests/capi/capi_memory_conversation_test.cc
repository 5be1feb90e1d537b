// Requests and conversations when memory runs out, at every point where it can.
#include <loopback.h>
#include <warppool.h>

#include <string>
#include <vector>

#include "catch.h"
#include "handles.h"
#include "more_memory.h"

// Messages that run out of memory in the middle of growing leak what they had: protobuf does not expect exceptions.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wreserved-identifier"
#endif
extern "C" const char* __lsan_default_suppressions();  // NOLINT: the sanitizer's name
extern "C" const char* __lsan_default_suppressions() {
  return "leak:google::protobuf\nleak:libprotobuf.so\n";
}

constexpr char kLongText[] = "a text that is too long to stay inside a std::string";
constexpr char kLongJson[] = R"({"a":[1,null,{"b":true}],"a key that is long as well":"and a text that is as long"})";

std::vector<std::string> JsonOfEach(const warppool_message_list* list) {
  std::vector<std::string> each;
  for (size_t i = 0; i < warppool_message_list_count(list); ++i) {
    warppool_message_info message = WARPPOOL_MESSAGE_INFO_INIT;
    REQUIRE(warppool_message_list_get(list, i, &message, nullptr) == WARPPOOL_OK);
    each.emplace_back(message.json);
  }
  return each;
}

TEST_CASE("what is seen of a conversation is whole, or there is no memory for it") {
  loopback::Service service;
  ClientHandle client;
  RequestHandle request;
  ConversationHandle conversation;
  AnswerHandle answer;
  service.OnAny().Agent(loopback::Play(
      {loopback::Say(kLongText, 3), loopback::Todos({"one", "two"}),
       loopback::SubTask("an errand that takes a while, and more", {loopback::Say("on my way")}),
       loopback::CallMcp("a function with a name that is not short", kLongJson, "a server with an id that is long")}));
  MakeClient(&service, &client);
  REQUIRE(warppool_request_create(kLongText, request.out(), nullptr) == WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_conversation_create(conversation.out(), e); }) ==
        WARPPOOL_OK);
  REQUIRE(warppool_client_ask_turn(client, conversation, request, answer.out(), nullptr) == WARPPOOL_OK);

  ConversationViewHandle view;
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          const warppool_code code = warppool_conversation_inspect(conversation, view.out(), e);
          const bool whole =
              warppool_conversation_view_task_count(view) == 2 && warppool_conversation_view_tool_call_count(view) == 1;
          return code == WARPPOOL_OK && !whole ? WARPPOOL_INTERNAL : code;
        }) == WARPPOOL_OK);
  BytesHandle bytes;
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_conversation_save(conversation, bytes.out(), e); }) ==
        WARPPOOL_OK);
  size_t length = 0;
  const uint8_t* data = warppool_bytes_data(bytes, &length);
  ConversationHandle restored;
  CHECK(WithMoreAndMoreMemory(
            [&](auto** e) { return warppool_conversation_restore(data, length, restored.out(), e); }) == WARPPOOL_OK);
  MessageListHandle list;
  REQUIRE(warppool_conversation_messages(restored, nullptr, list.out(), nullptr) == WARPPOOL_OK);
  const auto whole = JsonOfEach(list);
  REQUIRE(whole.size() == 4);
  CHECK(WithMoreAndMoreMemory(
            [&](auto** e) { return warppool_conversation_messages(restored, nullptr, list.out(), e); }) == WARPPOOL_OK);
  CHECK(JsonOfEach(list) == whole);
}

// With all in it that is a map or JSON on its way to the service.
void FillWithMaps(RequestHandle* request) {
  REQUIRE(warppool_request_create(kLongText, request->out(), nullptr) == WARPPOOL_OK);
  for (const char* key : {"a key that is longer than a short one", "another key", "and one more key"}) {
    REQUIRE(warppool_request_set_logging(*request, key, kLongText, nullptr) == WARPPOOL_OK);
    REQUIRE(warppool_request_attach_text(*request, key, kLongText, nullptr) == WARPPOOL_OK);
  }
  warppool_context context = WARPPOOL_CONTEXT_INIT;
  context.directory = context.shell = context.git_head = context.git_branch = context.git_repository = kLongText;
  REQUIRE(warppool_request_set_context(*request, &context, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_request_set_aws_credentials(*request, kLongText, kLongText, kLongText, kLongText, nullptr) ==
          WARPPOOL_OK);
  REQUIRE(warppool_request_add_mcp_server(*request, kLongText, kLongText, kLongText, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_request_add_mcp_tool(*request, kLongText, kLongText, kLongJson, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_request_add_tool_result_json(
              *request, kLongText, WARPPOOL_TOOL_GREP,
              R"({"success": {"matchedFiles": [{"filePath": "a path that is longer than a short one"}]}})",
              nullptr) == WARPPOOL_OK);
}

TEST_CASE("a request that is full of maps is started, or there is no memory for it") {
  loopback::Service service;
  service.OnAny().Agent(loopback::Ok().Text("done"));
  ClientHandle client;
  MakeClient(&service, &client);
  RequestHandle request;
  FillWithMaps(&request);
  StreamHandle stream;
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          const warppool_code code = warppool_client_start_pull(client, request, stream.out(), e);
          return code == WARPPOOL_OK && stream == nullptr ? WARPPOOL_INTERNAL : code;
        }) == WARPPOOL_OK);
}
