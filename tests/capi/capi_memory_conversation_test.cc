// Conversations when memory runs out, at every point where it can, as far as protobuf lets them: it ends the process
// when there is no memory for a map, or for JSON.
#include <loopback.h>
#include <warppool.h>

#include <catch2/catch.hpp>
#include <string>

#include "handles.h"
#include "more_memory.h"

// Messages that run out of memory in the middle of growing leak what they had: protobuf does not expect exceptions.
extern "C" const char* __lsan_default_suppressions();  // NOLINT: the sanitizer's name
extern "C" const char* __lsan_default_suppressions() {
  return "leak:google::protobuf\nleak:libprotobuf.so\n";
}

TEST_CASE("what is seen of a conversation is whole, or there is no memory for it") {
  loopback::Service service;
  ClientHandle client;
  RequestHandle request;
  ConversationHandle conversation;
  AnswerHandle answer;
  service.OnAny().Agent(loopback::Play(
      {loopback::Say("a text that is too long to stay inside a std::string", 3), loopback::Todos({"one", "two"}),
       loopback::SubTask("an errand that takes a while, and more", {loopback::Say("on my way")})}));
  MakeClient(&service, &client);
  REQUIRE(warppool_request_create("a question that is too long to stay inside a std::string", request.out(), nullptr) ==
          WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_conversation_create(conversation.out(), e); }) ==
        WARPPOOL_OK);
  REQUIRE(warppool_client_ask_turn(client, conversation, request, answer.out(), nullptr) == WARPPOOL_OK);

  ConversationViewHandle view;
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          const warppool_code code = warppool_conversation_inspect(conversation, view.out(), e);
          const bool whole = warppool_conversation_view_task_count(view) == 2;
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
  CHECK(warppool_message_list_count(list) == 3);
}
