#include "conversation/answer_text.h"

#include <algorithm>

namespace warppool {
namespace {

constexpr std::string_view kTextPath = "agent_output.text";

// The action's field name in the schema; empty if it is not in there.
std::string KindOf(const wire::ClientAction& action) {
  const auto* oneof = wire::ClientAction::descriptor()->oneof_decl(0);
  const auto* field = action.GetReflection()->GetOneofFieldDescriptor(action, oneof);
  return field == nullptr ? std::string() : field->name();
}

}  // namespace

void AnswerText::Apply(const wire::ClientAction& action, const Emit& emit) {
  bool handled = false;
  if (action.has_append_to_message_content()) {
    handled = Append(action.append_to_message_content(), emit);
  } else if (action.has_add_messages_to_task() && IsRoot(action.add_messages_to_task().task_id())) {
    const auto& messages = action.add_messages_to_task().messages();
    // Without short circuit: one message of another kind must not hide the text of the next.
    handled = true;
    for (const wire::Message& message : messages) handled = Upsert(message, emit) && handled;
  } else if (action.has_update_task_message() && IsRoot(action.update_task_message().task_id())) {
    handled = Update(action.update_task_message(), emit);
  } else if (action.has_create_task()) {
    const wire::Task& task = action.create_task().task();
    if (task.dependencies().parent_task_id().empty()) root_ = task.id();
    for (const wire::Message& message : task.messages()) {
      if (IsRoot(task.id())) Upsert(message, emit);
    }
  }
  if (handled) return;
  const std::string kind = KindOf(action);
  const std::string bytes = action.SerializeAsString();
  emit(UnknownEvent{kind, bytes});
}

bool AnswerText::Update(const wire::ClientAction::UpdateTaskMessage& update, const Emit& emit) {
  // Of a message that is there, only what the mask names is replaced.
  const auto& paths = update.mask().paths();
  const bool names_text =
      std::any_of(paths.begin(), paths.end(), [](const auto& p) { return p == kTextPath || p == "agent_output"; });
  if (texts_.count(update.message().id()) != 0 && !names_text) return false;
  return Upsert(update.message(), emit);
}

bool AnswerText::Upsert(const wire::Message& message, const Emit& emit) {
  if (!message.has_agent_output()) return false;
  std::string& known = texts_[message.id()];
  const std::string& text = message.agent_output().text();
  const bool grew = text.compare(0, known.size(), known) == 0;
  if (!grew) {
    known = text;
    emit(TextReplaced{message.id(), known});
  } else if (text.size() > known.size()) {
    const std::string_view delta = std::string_view(text).substr(known.size());
    known = text;
    emit(TextDelta{message.id(), delta});
  }
  return true;
}

bool AnswerText::Append(const wire::ClientAction::AppendToMessageContent& append, const Emit& emit) {
  const auto& paths = append.mask().paths();
  if (!append.message().has_agent_output() || paths.size() != 1 || paths[0] != kTextPath) return false;
  // Only what was shown goes on being shown: an append to another task's message, or to none, is somebody else's.
  const auto known = texts_.find(append.message().id());
  if (known == texts_.end()) return false;
  const std::string& text = append.message().agent_output().text();
  known->second += text;
  if (!text.empty()) emit(TextDelta{known->first, text});
  return true;
}

}  // namespace warppool
