// An update of a message that finds no memory ends nothing but itself.

#include <new>
#include <string>

#ifdef WARPPOOL_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif

#include "capi/failing_memory.h"
#include "catch.h"
#include "conversation/conversation_impl.h"

namespace warppool::internal {
namespace {

using Action = wire::ClientAction;

const std::string kLong(100, 'x');

Action NewTask() {
  Action action;
  wire::Task* const task = action.mutable_create_task()->mutable_task();
  task->set_id("t");
  wire::Message* const message = task->add_messages();
  message->set_id("m");
  message->set_task_id("t");
  message->mutable_tool_call()->set_tool_call_id(kLong);
  message->mutable_tool_call()->mutable_call_mcp_tool()->set_name(kLong);
  return action;
}

// A field of another kind of message, and so of another field of its oneof.
Action UpdateOfKind() {
  Action action;
  auto* const update = action.mutable_update_task_message();
  update->set_task_id("t");
  update->mutable_message()->set_id("m");
  update->mutable_message()->mutable_agent_reasoning()->set_reasoning(kLong);
  update->mutable_mask()->add_paths("agent_reasoning.reasoning");
  return action;
}

TEST_CASE("an update by a mask that runs out of memory ends nothing but itself") {
  const auto ignore = [](const Event& /*event*/) { return true; };
  bool enough = false;
  for (int allowed = 0; !enough; ++allowed) {
    INFO("allocations allowed: " << allowed);
    REQUIRE(allowed < 200);
    ConversationImpl conversation;
    REQUIRE(conversation.Claim({.max_message_bytes = 1000, .max_tasks = 5}));
    const char* ignored = nullptr;
    Action create = NewTask();
    REQUIRE(conversation.Apply(&create, ignore, &ignored).ok());
    Action update = UpdateOfKind();
    try {
#ifdef WARPPOOL_SANITIZED
      const __lsan::ScopedDisabler ignored_leaks;  // what protobuf leaves half done is never destroyed
#endif
      const FailingMemory memory(allowed);
      enough = conversation.Apply(&update, ignore, &ignored).ok();
    } catch (const std::bad_alloc&) {
      enough = false;
    }
    if (!enough) continue;
    CHECK(allowed > 5);
    const auto messages = conversation.Messages("");
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].kind == MessageKind::kReasoning);
  }
}

}  // namespace
}  // namespace warppool::internal
