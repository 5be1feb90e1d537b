#include "protocol/action_scan.h"

#include <string>

#include "catch.h"
#include "protocol/response_decoder.h"
#include "unit/conversation/actions.h"

namespace warppool::internal {
namespace {

wire::ResponseEvent EventOf(const std::vector<wire::ClientAction>& actions) {
  wire::ResponseEvent event;
  event.mutable_client_actions();
  for (const wire::ClientAction& action : actions) *event.mutable_client_actions()->add_actions() = action;
  return event;
}

// A field that no schema of ours has.
template <typename Message>
Message WithUnknown(Message message) {
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(1000, "of a later version");
  return message;
}

wire::ClientAction WithEverything() {
  wire::Message message = WithUnknown(Output("m2", "b"));
  message.mutable_timestamp()->set_seconds(5);
  return Add("t", {Output("m1", std::string(1000, 'a')), message, wire::Message()});
}

}  // namespace

TEST_CASE("the actions of an event are found where they are") {
  const std::vector<wire::ClientAction> actions{Create("t"), WithEverything(), wire::ClientAction()};
  const std::string bytes = EventOf(actions).SerializeAsString();
  std::vector<std::string_view> found;
  REQUIRE(FindActions(bytes, &found));
  REQUIRE(found.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(found[i] == actions[i].SerializeAsString());
  REQUIRE(FindActions(EventOf({}).SerializeAsString(), &found));
  CHECK(found.empty());
}

TEST_CASE("an event with anything unusual is not taken apart") {
  std::vector<std::string_view> found;
  const std::string usual = EventOf({Create("t")}).SerializeAsString();
  wire::ResponseEvent init;
  init.mutable_init()->set_conversation_id("c1");
  wire::ResponseEvent odd = EventOf({Create("t")});
  *odd.mutable_client_actions() = WithUnknown(odd.client_actions());
  CHECK_FALSE(FindActions("", &found));
  CHECK_FALSE(FindActions(init.SerializeAsString(), &found));
  CHECK_FALSE(FindActions(WithUnknown(EventOf({Create("t")})).SerializeAsString(), &found));
  CHECK_FALSE(FindActions(odd.SerializeAsString(), &found));
  CHECK_FALSE(FindActions(usual + usual, &found));  // protobuf puts the two together
  for (std::size_t i = 0; i < usual.size(); ++i) CHECK_FALSE(FindActions(usual.substr(0, i), &found));
}

TEST_CASE("added messages are found where they are") {
  const wire::ClientAction action = WithEverything();
  const std::string bytes = action.SerializeAsString();
  AddedMessages added;
  REQUIRE(FindAddedMessages(bytes, &added));
  CHECK(added.task_id == "t");
  REQUIRE(added.messages.size() == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(added.messages[static_cast<std::size_t>(i)] == action.add_messages_to_task().messages(i).SerializeAsString());
  }
}

TEST_CASE("an action that is anything else is not taken for added messages") {
  AddedMessages added;
  wire::ClientAction odd = Add("t", {Output("m", "a")});
  *odd.mutable_add_messages_to_task() = WithUnknown(odd.add_messages_to_task());
  const std::string usual = Add("t", {Output("m", "a")}).SerializeAsString();
  CHECK_FALSE(FindAddedMessages("", &added));
  CHECK_FALSE(FindAddedMessages(Create("t").SerializeAsString(), &added));
  CHECK_FALSE(FindAddedMessages(odd.SerializeAsString(), &added));
  CHECK_FALSE(FindAddedMessages(usual + usual, &added));
  for (std::size_t i = 0; i < usual.size(); ++i) CHECK_FALSE(FindAddedMessages(usual.substr(0, i), &added));
}

TEST_CASE("an action is parsed by itself as protobuf parses it") {
  wire::ClientAction odd = Add("t", {Output("m", "a")});
  *odd.mutable_add_messages_to_task() = WithUnknown(odd.add_messages_to_task());
  wire::ClientAction nameless = WithEverything();
  nameless.mutable_add_messages_to_task()->clear_task_id();
  ResponseDecoder decoder(EventLimits{100});
  for (const wire::ClientAction& action :
       {WithEverything(), nameless, odd, Create("t", "", {Output("m", "a")}), Add("t", {}), wire::ClientAction()}) {
    const auto parsed = decoder.ParseAction(action.SerializeAsString());
    REQUIRE(parsed.ok());
    CHECK((*parsed)->SerializeAsString() == action.SerializeAsString());
  }
  CHECK(decoder.ParseAction("\x1a\x03\x12\x01\x0a").code() == Code::kUndecodableEvent);
}

}  // namespace warppool::internal
