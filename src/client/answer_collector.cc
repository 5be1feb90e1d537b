#include "client/answer_collector.h"

namespace warppool::internal {

Flow AnswerCollector::OnEvent(const Event& event) {
  if (const auto* started = std::get_if<StreamStarted>(&event)) {
    answer_.conversation_id = started->conversation_id;
    answer_.request_id = started->request_id;
    answer_.token = started->token;
  } else if (const auto* delta = std::get_if<TextDelta>(&event)) {
    *TextOf(delta->message_id) += delta->text;
  } else if (const auto* replaced = std::get_if<TextReplaced>(&event)) {
    *TextOf(replaced->message_id) = replaced->text;
  } else if (const auto* added = std::get_if<MessageAdded>(&event)) {
    if (added->in_root && added->kind == MessageKind::kAgentOutput) TextOf(added->message_id);
  } else if (const auto* retracted = std::get_if<MessageRetracted>(&event)) {
    if (retracted->in_root) Drop(retracted->message_id);
  } else if (const auto* finished = std::get_if<Finished>(&event)) {
    answer_.finish_reason = finished->reason;
    answer_.usage = finished->usage;
  }
  return Flow::kContinue;
}

Answer AnswerCollector::Take() {
  for (const auto& text : texts_) {
    if (text) answer_.text += *text;
  }
  return std::move(answer_);
}

void AnswerCollector::Drop(std::string_view message_id) {
  const auto it = places_.find(std::string(message_id));
  if (it == places_.end()) return;
  texts_[it->second].reset();
  if (last_ == &*it) last_ = nullptr;
  places_.erase(it);
}

std::string* AnswerCollector::TextOf(std::string_view message_id) {
  if (last_ == nullptr || last_->first != message_id) {
    const auto [it, is_new] = places_.try_emplace(std::string(message_id), texts_.size());
    if (is_new) texts_.emplace_back(std::string());
    last_ = &*it;
  }
  return &*texts_[last_->second];
}

}  // namespace warppool::internal
