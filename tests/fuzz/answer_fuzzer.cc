// Client actions applied to a conversation, by the short way and by protobuf's: both have to come to the same, whoever
// follows the events has to see what the tasks hold, and a transaction has to leave nothing behind.
//
// The input is a serialized ResponseEvent.ClientActions, each action of which comes as an event of its own.
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64url.h"
#include "conversation/answer_reader.h"
#include "conversation/conversation_impl.h"
#include "promise.h"
#include "protocol/action_scan.h"
#include "protocol/response_decoder.h"
#include "protocol/wire_scan.h"
#include "warppool/wire/response.pb.h"

namespace warppool::internal {
namespace {

constexpr TreeLimits kLimits{.max_message_bytes = 4096, .max_tasks = 20};

// As a program that shows the answer sees it.
class Viewer {
 public:
  bool See(const Event& event) {
    if (const auto* added = std::get_if<MessageAdded>(&event)) {
      if (added->in_root && added->kind == MessageKind::kAgentOutput) texts_[std::string(added->message_id)].clear();
    } else if (const auto* delta = std::get_if<TextDelta>(&event)) {
      texts_[std::string(delta->message_id)] += delta->text;
    } else if (const auto* replaced = std::get_if<TextReplaced>(&event)) {
      texts_[std::string(replaced->message_id)] = replaced->text;
    } else if (const auto* retracted = std::get_if<MessageRetracted>(&event)) {
      if (retracted->in_root) texts_.erase(std::string(retracted->message_id));
    } else if (const auto* task = std::get_if<TaskCreated>(&event)) {
      roots_ += task->parent_id.empty() ? 1 : 0;
    }
    return true;
  }
  const std::map<std::string, std::string>& texts() const { return texts_; }
  int roots() const { return roots_; }

 private:
  std::map<std::string, std::string> texts_;
  int roots_ = 0;
};

std::string TasksOf(const ConversationImpl& conversation) {
  std::string bytes;
  conversation.Look(
      [&](const wire::Request::TaskContext& tasks, const std::string& /*id*/) { bytes = tasks.SerializeAsString(); });
  return bytes;
}

// What the root task's messages say. `distinct`: each under an id of its own.
std::map<std::string, std::string> TextsOf(const ConversationImpl& conversation, bool* distinct) {
  std::map<std::string, std::string> texts;
  for (const MessageInfo& message : conversation.Messages("")) {
    if (message.kind != MessageKind::kAgentOutput) continue;
    if (message.id.empty() || !texts.emplace(message.id, message.text).second) *distinct = false;
  }
  return texts;
}

// Whatever the bytes are: what finds the actions in them by hand finds those that protobuf does, or leaves it to it.
void TryRaw(const std::string& input) {
  std::vector<std::string_view> found;
  ResponseDecoder decoder(EventLimits{100});
  if (!FindActions(input, &found) || !decoder.Check(input).ok()) return;
  wire::ResponseEvent event;
  Promise(event.ParseFromString(input), "what is found and checked is an event");
  Promise(event.has_client_actions(), "of actions");
  Promise(event.client_actions().actions_size() == static_cast<int>(found.size()), "as many as protobuf finds");
  for (int i = 0; i < event.client_actions().actions_size(); ++i) {
    const auto action = decoder.ParseAction(found[static_cast<std::size_t>(i)]);
    Promise(action.ok(), "each of which can be parsed");
    wire::ClientAction whole = event.client_actions().actions(i);
    if (whole.add_messages_to_task().task_id().empty()) continue;  // an empty one is not told from none
    Promise((*action)->SerializeAsString() == whole.SerializeAsString(), "and is the same");
  }
}

void Try(const std::string& input) {
  TryRaw(input);
  wire::ResponseEvent::ClientActions actions;
  if (!IsWellFormed(input, *wire::ResponseEvent::ClientActions::descriptor())) return;
  if (!actions.ParseFromString(input) || actions.actions_size() > 100) return;
  const auto read = std::make_shared<ConversationImpl>();
  ConversationImpl applied;
  Promise(read->Claim(kLimits) && applied.Claim(kLimits), "nobody else is there");
  ResponseDecoder decoder(EventLimits{100});
  AnswerReader reader(read, &decoder);
  Viewer viewer;
  bool ok = true;
  for (const wire::ClientAction& action : actions.actions()) {
    wire::ResponseEvent event;
    *event.mutable_client_actions()->add_actions() = action;
    const auto kind = reader.Read(EncodeBase64Url(event.SerializeAsString()));
    Promise(kind.ok() && *kind == AnswerReader::Kind::kActions, "what was parsed once is parsed again");
    const char* ignored = nullptr;
    Promise(reader.has_more(), "there is one action");
    const Status status = reader.ApplyNext([&](const Event& e) { return viewer.See(e); }, &ignored);
    Promise(!reader.has_more(), "and no other one");
    wire::ClientAction again = action;
    const Status other = applied.Apply(
        &again, [](const Event& /*e*/) { return true; }, &ignored);
    Promise(status.code() == other.code(), "both ways agree about an action");
    Promise(TasksOf(*read) == TasksOf(applied), "both ways come to the same tasks");
    ok = status.ok();
    if (!ok) break;
  }
  bool distinct = true;
  const auto texts = TextsOf(*read, &distinct);
  // With a second root the viewer starts a second answer, and two messages of one id it cannot tell apart.
  if (ok && distinct && viewer.roots() <= 1) Promise(viewer.texts() == texts, "the events tell what the tasks hold");

  const auto saved = read->Save();
  Promise(saved.ok(), "it can be saved");
  read->Release();
  Promise(*read->Save() == *saved, "what was not committed was not saved");
  const auto restored = ConversationImpl::Restore(*saved);
  Promise(restored.ok(), "what was saved can be restored");
  Promise(TasksOf(**restored) == TasksOf(*read), "and is what it was");
}

}  // namespace
}  // namespace warppool::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  warppool::internal::Try(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
