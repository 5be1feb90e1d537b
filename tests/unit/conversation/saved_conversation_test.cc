#include "conversation/saved_conversation.h"

#include <string>

#include "catch.h"
#include "conversation/conversation_impl.h"
#include "unit/conversation/actions.h"
#include "unit/stderr_of.h"

namespace warppool::internal {
namespace {

const Emit kNobody = [](const Event& /*event*/) { return true; };

void Do(ConversationImpl* conversation, wire::ClientAction action) {
  const char* ignored = nullptr;
  REQUIRE(conversation->Apply(&action, kNobody, &ignored).ok());
}

std::string Tasks(const ConversationImpl& conversation) {
  std::string bytes;
  conversation.Look(
      [&](const wire::Request::TaskContext& tasks, const std::string& /*id*/) { bytes = tasks.SerializeAsString(); });
  return bytes;
}

// With a conversation that some turns have made.
struct Saved {
  Saved() {
    REQUIRE(conversation.Claim({}));
    conversation.Begin("conversation-1", {"0123abcd", "PERSONAL_fake"});
    wire::Message message = Output("m1", "text");
    message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(4242, "opaque");
    Do(&conversation, Create("first"));
    Do(&conversation, Create("root", "", {message}));
    Do(&conversation, Create("sub", "root", {McpCall("m2", "call-1", "weather")}));
    conversation.AddUsage({1, 2, 3, 4, 0.5, 1.5, 0.25});
    conversation.AddUsage({10, 20, 30, 40, 0.5, 1.5, 0.75});
  }
  ConversationImpl conversation;
};

TEST_CASE("a conversation comes back as it was saved") {
  Saved saved;
  const auto bytes = saved.conversation.Save();
  REQUIRE(bytes.ok());
  const auto restored = ConversationImpl::Restore(*bytes);
  REQUIRE(restored.ok());
  const ConversationImpl& back = **restored;
  CHECK(back.id() == "conversation-1");
  CHECK(back.owner().key == "0123abcd");
  CHECK(back.owner().token == "PERSONAL_fake");
  CHECK_FALSE(back.busy());
  CHECK(Tasks(back) == Tasks(saved.conversation));
  CHECK(back.usage().input_tokens == 11);
  CHECK(back.usage().cost_in_cents == 1);
  CHECK(back.usage().credits == 3);
  CHECK(back.usage().context_window_usage == 0.75);
  REQUIRE(back.Tasks().size() == 3);
  CHECK(back.Tasks()[0].id == "root");
  CHECK(back.Messages("")[0].text == "text");
  REQUIRE(back.PendingToolCalls().size() == 1);
  CHECK(back.PendingToolCalls()[0].id == "call-1");
  CHECK(*back.Save() == *bytes);
}

TEST_CASE("an empty conversation can be saved, too") {
  const auto restored = ConversationImpl::Restore(*ConversationImpl().Save());
  REQUIRE(restored.ok());
  CHECK((*restored)->Tasks().empty());
  CHECK((*restored)->Messages("").empty());
}

TEST_CASE("what is not committed is not saved, and undone when the request is over") {
  Saved saved;
  const std::string before = *saved.conversation.Save();
  Do(&saved.conversation, Begin());
  Do(&saved.conversation, Append("root", Output("m1", " and more")));
  Do(&saved.conversation, Create("other"));
  CHECK(*saved.conversation.Save() == before);
  CHECK(saved.conversation.Messages("root")[0].text == "text and more");
  saved.conversation.Release();
  CHECK(*saved.conversation.Save() == before);
  CHECK(saved.conversation.Messages("root")[0].text == "text");
}

TEST_CASE("a conversation has one request at a time") {
  ConversationImpl conversation;
  CHECK_FALSE(conversation.busy());
  CHECK(conversation.Claim({}));
  CHECK(conversation.busy());
  CHECK_FALSE(conversation.Claim({}));
  conversation.Release();
  CHECK_FALSE(conversation.busy());
  const auto shared = std::make_shared<ConversationImpl>();
  {
    auto claim = ConversationClaim::Make(shared, {});
    REQUIRE(claim);
    CHECK_FALSE(ConversationClaim::Make(shared, {}));
  }
  CHECK_FALSE(shared->busy());
}

TEST_CASE("a claim that was given back does not take away the next one's") {
  const auto shared = std::make_shared<ConversationImpl>();
  auto first = ConversationClaim::Make(shared, {});
  REQUIRE(first);
  first->Release();
  const auto second = ConversationClaim::Make(shared, {});
  REQUIRE(second);
  first.reset();
  CHECK(shared->busy());
}

TEST_CASE("whatever damages the bytes, restoring says so") {
  const Saved saved;
  const std::string bytes = *saved.conversation.Save();
  const auto refused = [](const std::string& damaged, const char* says) {
    const auto restored = ConversationImpl::Restore(damaged);
    CHECK(restored.code() == Code::kInvalidArgument);
    CHECK_THAT(restored.status().message(), Catch::Matchers::ContainsSubstring(says));
  };
  refused("", "begin");
  refused("something else", "begin");
  std::string later = bytes;
  later[later.find('1')] = '2';
  refused(later, "version 2");
  for (std::size_t size = bytes.find('\n') + 1; size < bytes.size(); ++size) refused(bytes.substr(0, size), "cut off");
  for (std::size_t i = bytes.find('\n') + 1; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    refused(flipped, "no saved conversation");
  }
  refused(bytes + "x", "checksum");
}

TEST_CASE("what no conversation can be is refused behind the checksum, too") {
  wire::Request::TaskContext tasks;
  tasks.add_tasks()->set_id("a");
  SECTION("two tasks of one id") {
    tasks.add_tasks()->set_id("a");
  }
  SECTION("a task without an id") {
    tasks.add_tasks();
  }
  const std::string inner = tasks.SerializeAsString();
  std::string message = "\x22";
  message += static_cast<char>(inner.size());
  message += inner;
  if (tasks.tasks_size() == 1) message += "\x28\x07";  // root: 7
  CHECK(ReadSavedMessage(message).code() == Code::kInvalidArgument);
  CHECK(ReadSavedMessage("\xFF").code() == Code::kInvalidArgument);
}

TEST_CASE("a text in a saved conversation that is not UTF-8 is refused with its place, and nothing is printed") {
  std::string refusal;
  const std::string printed = StderrOf(
      [&] { refusal = ReadSavedMessage("\x22\x0B\x0A\x03\x0A\x01x\x0A\x04\x0A\x02y\xFF").status().message(); });
  CHECK(refusal == "no saved conversation: tasks.tasks[1].id: not UTF-8 at byte 1");
  CHECK(printed.empty());
}

}  // namespace
}  // namespace warppool::internal
