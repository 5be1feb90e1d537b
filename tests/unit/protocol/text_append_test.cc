#include "protocol/text_append.h"

#include <string>

#include "base/utf8.h"
#include "catch.h"
#include "unit/conversation/actions.h"

namespace warppool::internal {
namespace {

std::string EventWith(const wire::ClientAction& action) {
  wire::ResponseEvent event;
  *event.mutable_client_actions()->add_actions() = action;
  return event.SerializeAsString();
}

TEST_CASE("an append to the answer is read without a message for it") {
  const std::string event = EventWith(Append("task-1", Output("m1", "gr\xC3\xBC\xC3\x9F")));
  const auto append = ScanTextAppend(event);
  REQUIRE(append);
  CHECK(append->task_id == "task-1");
  CHECK(append->message_id == "m1");
  CHECK(append->path == "agent_output.text");
  CHECK(append->text == "gr\xC3\xBC\xC3\x9F");
}

TEST_CASE("so is one to the reasoning, a long one, an empty one, and one that repeats whose it is") {
  const std::string reasoning = EventWith(Append("t", Reasoning("m", "hm"), {"agent_reasoning.reasoning"}));
  CHECK(ScanTextAppend(reasoning)->path == "agent_reasoning.reasoning");
  const std::string text(100'000, 'x');
  CHECK(ScanTextAppend(EventWith(Append("t", Output("m", text))))->text.size() == text.size());
  CHECK(ScanTextAppend(EventWith(Append("t", Output("m", ""))))->text.empty());
  wire::Message message = Output("m", "x");
  message.set_task_id("t");
  message.set_request_id("r");
  CHECK(ScanTextAppend(EventWith(Append("t", message)))->text == "x");
}

TEST_CASE("anything unusual is left to protobuf") {
  wire::Message with_data = Output("m", "x");
  with_data.set_server_message_data("d");
  wire::Message unknown = Output("m", "x");
  unknown.GetReflection()->MutableUnknownFields(&unknown)->AddVarint(4242, 1);
  wire::Message no_text;
  no_text.set_id("m");
  wire::Message no_id;
  no_id.mutable_agent_output()->set_text("x");
  wire::ResponseEvent two;
  *two.mutable_client_actions()->add_actions() = Append("t", Output("m", "x"));
  *two.mutable_client_actions()->add_actions() = Append("t", Output("m", "y"));
  wire::ResponseEvent init;
  init.mutable_init()->set_conversation_id("c");
  wire::ClientAction no_task = Append("t", Output("m", "x"));
  no_task.mutable_append_to_message_content()->clear_task_id();
  const auto event = GENERATE_COPY(values<std::string>({
      EventWith(Append("t", Output("m", "x"), {})),
      EventWith(Append("t", Output("m", "x"), {"agent_output"})),
      EventWith(Append("t", Output("m", "x"), {"agent_reasoning.reasoning"})),
      EventWith(Append("t", Output("m", "x"), {"agent_output.text", "agent_output.text"})),
      EventWith(Append("t", with_data)),
      EventWith(Append("t", unknown)),
      EventWith(Append("t", no_text)),
      EventWith(Append("t", no_id)),
      EventWith(Add("t", {Output("m", "x")})),
      EventWith(no_task),
      two.SerializeAsString(),
      init.SerializeAsString(),
      "",
  }));
  CHECK_FALSE(ScanTextAppend(event));
}

TEST_CASE("a text that is not UTF-8 is left to protobuf, which refuses it") {
  std::string event = EventWith(Append("t", Output("m", "xx")));
  event[event.find("xx")] = '\xFF';
  CHECK_FALSE(ScanTextAppend(event));
}

TEST_CASE("an event that is cut off anywhere, or has a byte changed, is no other append than protobuf reads") {
  const std::string event = EventWith(Append("task-1", Output("m1", "text")));
  for (std::size_t size = 0; size < event.size(); ++size) CHECK_FALSE(ScanTextAppend(event.substr(0, size)));
  for (std::size_t i = 0; i < event.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = event;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      const auto append = ScanTextAppend(changed);
      if (!append) continue;
      wire::ResponseEvent parsed;
      INFO(i << " " << bit);
      // Whose text it is, is compared with what is known, and so need not be looked at more closely here.
      if (FirstInvalidUtf8(append->task_id) || FirstInvalidUtf8(append->message_id)) continue;
      REQUIRE(parsed.ParseFromString(changed));
      REQUIRE(parsed.client_actions().actions_size() == 1);
      const auto& read = parsed.client_actions().actions(0).append_to_message_content();
      CHECK(read.task_id() == append->task_id);
      CHECK(read.message().id() == append->message_id);
      REQUIRE(read.mask().paths_size() == 1);
      CHECK(read.mask().paths(0) == append->path);
      const auto& text = read.message().has_agent_output() ? read.message().agent_output().text()
                                                           : read.message().agent_reasoning().reasoning();
      CHECK(text == append->text);
    }
  }
}

}  // namespace
}  // namespace warppool::internal
