#include "conversation/answer_reader.h"

#include <optional>
#include <utility>
#include <vector>

#include "conversation/conversation_impl.h"
#include "protocol/action_scan.h"
#include "protocol/response_decoder.h"
#include "protocol/text_append.h"

namespace warppool::internal {

struct AnswerReader::Parts {
  Parts(std::shared_ptr<ConversationImpl> of, ResponseDecoder* by) : conversation(std::move(of)), decoder(by) {}

  // Makes the actions in `bytes` ready, or all that they hold if it is something else.
  Status Open() {
    if (Status status = decoder->Check(bytes); !status.ok()) return status;
    if (FindActions(bytes, &actions)) return {};
    actions.clear();
    const auto parsed = decoder->ParseChecked(bytes);
    if (!parsed) return parsed.status();
    event = *parsed;
    return {};
  }
  void Forget() {
    append.reset();
    actions.clear();
    event = nullptr;
    is_kept = false;
  }
  std::size_t CountActions() const {
    return event == nullptr ? actions.size() : static_cast<std::size_t>(event->client_actions().actions_size());
  }
  Result<wire::ClientAction*> TakeAction() {
    const std::size_t at = next_action++;
    if (event == nullptr) {
      auto action = decoder->ParseAction(actions[at]);
      if (next_action == actions.size() && bytes.data() != kept.data()) decoder->DropBytes();
      return action;
    }
    return event->mutable_client_actions()->mutable_actions(static_cast<int>(at));
  }

  const std::shared_ptr<ConversationImpl> conversation;
  ResponseDecoder* const decoder;
  std::string_view bytes;                 // of the last event that was read
  std::optional<TextAppend> append;       // it is just that, and was not looked at any further
  std::vector<std::string_view> actions;  // else: it is client actions
  wire::ResponseEvent* event = nullptr;   // or something else, or those in an unusual way; the decoder's
  std::size_t next_action = 0;
  bool is_kept = false;  // it is to be opened again, from here:
  std::string kept;
};

AnswerReader::AnswerReader(std::shared_ptr<ConversationImpl> conversation, ResponseDecoder* decoder)
    : parts_(std::make_unique<Parts>(std::move(conversation), decoder)) {}

AnswerReader::~AnswerReader() = default;

Result<AnswerReader::Kind> AnswerReader::Read(std::string_view data) {
  const auto bytes = parts_->decoder->Unwrap(data);
  if (!bytes) return bytes.status();
  if (!*bytes) return Kind::kNothing;
  parts_->Forget();
  parts_->kept = std::string();
  parts_->bytes = **bytes;
  parts_->next_action = 0;
  if (parts_->conversation) parts_->append = ScanTextAppend(parts_->bytes);
  if (parts_->append) return Kind::kActions;
  if (Status status = parts_->Open(); !status.ok()) return status;
  if (parts_->event == nullptr) return Kind::kActions;
  switch (parts_->event->type_case()) {
    case wire::ResponseEvent::kInit:
      return Kind::kInit;
    case wire::ResponseEvent::kClientActions:
      return Kind::kActions;
    case wire::ResponseEvent::kFinished:
      return Kind::kFinished;
    case wire::ResponseEvent::TYPE_NOT_SET:
      break;
  }
  return Kind::kUnknown;
}

const std::string& AnswerReader::conversation_id() const {
  return parts_->event->init().conversation_id();
}

const std::string& AnswerReader::request_id() const {
  return parts_->event->init().request_id();
}

const std::string& AnswerReader::run_id() const {
  return parts_->event->init().run_id();
}

Finished AnswerReader::finished() const {
  return ReadFinished(parts_->event->finished());
}

std::string_view AnswerReader::bytes() const {
  return parts_->bytes;
}

bool AnswerReader::has_more() const {
  if (!parts_->conversation) return false;
  if (parts_->append || parts_->is_kept) return true;
  return parts_->next_action < parts_->CountActions();
}

void AnswerReader::Keep() {
  if (!has_more() || std::exchange(parts_->is_kept, true)) return;
  if (parts_->bytes.data() != parts_->kept.data()) parts_->kept = parts_->bytes;
  parts_->append.reset();
  parts_->actions.clear();
  parts_->event = nullptr;
}

void AnswerReader::DropRest() {
  parts_->Forget();
}

Status AnswerReader::ApplyNext(const Emit& emit, const char** ignored) {
  if (std::exchange(parts_->is_kept, false)) {
    parts_->bytes = parts_->kept;
    if (Status status = parts_->Open(); !status.ok()) return status;
  }
  if (const auto append = std::exchange(parts_->append, std::nullopt)) {
    const auto done = parts_->conversation->Append(*append, emit);
    if (!done) return done.status();
    if (*done) return {};
    if (Status status = parts_->Open(); !status.ok()) return status;
  }
  const auto action = parts_->TakeAction();
  if (!action) return action.status();
  return parts_->conversation->Apply(*action, emit, ignored);
}

}  // namespace warppool::internal
