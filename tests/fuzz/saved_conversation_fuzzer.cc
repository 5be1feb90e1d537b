// Saved conversations: whatever the bytes are, they are refused, or make a conversation that can be looked at, gone on
// with, and saved again.
//
// The input is what stands behind the checksum; the checksum itself is tried as well.
#include <string>

#include "conversation/conversation_impl.h"
#include "conversation/saved_conversation.h"
#include "promise.h"

namespace warppool::internal {
namespace {

void GoOn(ConversationImpl* conversation) {
  Promise(conversation->Claim({.max_message_bytes = 1U << 20U, .max_tasks = 1'000'000}), "nobody is there");
  const auto tasks = conversation->Tasks();
  const char* ignored = nullptr;
  const Emit nobody = [](const Event& /*event*/) { return true; };
  for (const TaskInfo& task : tasks) {
    static_cast<void>(conversation->Messages(task.id));
    static_cast<void>(conversation->Todos(task.id));
    wire::ClientAction add;
    add.mutable_add_messages_to_task()->set_task_id(task.id);
    add.mutable_add_messages_to_task()->add_messages()->mutable_agent_output()->set_text("more");
    Promise(conversation->Apply(&add, nobody, &ignored).ok(), "each task can be found");
  }
  static_cast<void>(conversation->PendingToolCalls());
  conversation->Release();
}

void Try(std::string_view input) {
  static_cast<void>(ConversationImpl::Restore(input));
  auto read = ReadSavedMessage(input);
  if (!read) {
    Promise(read.code() == Code::kInvalidArgument && !read.status().message().empty(), "a refusal says why");
    return;
  }
  const auto bytes = WriteSaved(*std::move(read));
  Promise(bytes.ok(), "what was read can be written");
  const auto restored = ConversationImpl::Restore(*bytes);
  Promise(restored.ok(), "what was written can be read");
  Promise(*(*restored)->Save() == *bytes, "and is what it was");
  GoOn(restored->get());
}

}  // namespace
}  // namespace warppool::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  warppool::internal::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
