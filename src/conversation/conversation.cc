#include "warppool/conversation.h"

#include <array>
#include <utility>

#include "base/guarded.h"
#include "conversation/conversation_impl.h"

namespace warppool {

using internal::Guarded;

const char* MessageKindName(MessageKind kind) noexcept {
  switch (kind) {
    case MessageKind::kUserQuery:
      return "user_query";
    case MessageKind::kAgentOutput:
      return "agent_output";
    case MessageKind::kToolCall:
      return "tool_call";
    case MessageKind::kToolCallResult:
      return "tool_call_result";
    case MessageKind::kServerEvent:
      return "server_event";
    case MessageKind::kSystemQuery:
      return "system_query";
    case MessageKind::kTodos:
      return "update_todos";
    case MessageKind::kReasoning:
      return "agent_reasoning";
    case MessageKind::kSummarization:
      return "summarization";
    case MessageKind::kWebSearch:
      return "web_search";
    case MessageKind::kWebFetch:
      return "web_fetch";
    case MessageKind::kDebugOutput:
      return "debug_output";
    case MessageKind::kModelUsed:
      return "model_used";
    case MessageKind::kOther:
      break;
  }
  return "other";
}

Conversation::Conversation() : impl_(std::make_shared<internal::ConversationImpl>()) {}
Conversation::Conversation(std::shared_ptr<internal::ConversationImpl> impl) : impl_(std::move(impl)) {}
Conversation::Conversation(Conversation&& other) noexcept = default;
Conversation& Conversation::operator=(Conversation&& other) noexcept = default;
Conversation::~Conversation() = default;

Result<Conversation> Conversation::Restore(std::string_view bytes) {
  return Guarded([&]() -> Result<Conversation> {
    auto impl = internal::ConversationImpl::Restore(bytes);
    if (!impl) return impl.status();
    return Conversation(*std::move(impl));
  });
}

Result<std::string> Conversation::Save() const {
  return Guarded([&] { return impl_->Save(); });
}

std::string Conversation::id() const {
  return impl_->id();
}

std::string Conversation::token() const {
  return impl_->owner().token;
}

bool Conversation::busy() const {
  return impl_->busy();
}

Usage Conversation::usage() const {
  return impl_->usage();
}

std::vector<TaskInfo> Conversation::Tasks() const {
  return impl_->Tasks();
}

std::vector<MessageInfo> Conversation::Messages(const std::string& task_id) const {
  return impl_->Messages(task_id);
}

std::vector<TodoInfo> Conversation::Todos(const std::string& task_id) const {
  return impl_->Todos(task_id);
}

std::vector<PendingToolCall> Conversation::PendingToolCalls() const {
  return impl_->PendingToolCalls();
}

}  // namespace warppool
