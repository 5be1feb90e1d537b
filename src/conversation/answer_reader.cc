#include "conversation/answer_reader.h"

#include <optional>
#include <utility>

#include "conversation/conversation_impl.h"
#include "protocol/response_decoder.h"
#include "protocol/text_append.h"

namespace warppool {

struct AnswerReader::Parts {
  Parts(std::shared_ptr<internal::ConversationImpl> of, int max_depth)
      : conversation(std::move(of)), decoder(max_depth) {}

  Status Parse() {
    const auto parsed = decoder.Parse(bytes);
    if (!parsed) return parsed.status();
    event = *parsed;
    return {};
  }

  const std::shared_ptr<internal::ConversationImpl> conversation;
  ResponseDecoder decoder;
  std::string_view bytes;                      // of the last event that was read
  std::optional<TextAppend> append;            // it is just that, and was not parsed
  const wire::ResponseEvent* event = nullptr;  // else; on the decoder's arena
};

AnswerReader::AnswerReader(std::shared_ptr<internal::ConversationImpl> conversation, int max_depth)
    : parts_(std::make_unique<Parts>(std::move(conversation), max_depth)) {}

AnswerReader::~AnswerReader() = default;

Result<AnswerReader::Kind> AnswerReader::Read(std::string_view data) {
  const auto bytes = parts_->decoder.Unwrap(data);
  if (!bytes) return bytes.status();
  if (!*bytes) return Kind::kNothing;
  parts_->bytes = **bytes;
  parts_->append.reset();
  if (parts_->conversation) parts_->append = ScanTextAppend(parts_->bytes);
  if (parts_->append) return Kind::kActions;
  if (Status status = parts_->Parse(); !status.ok()) return status;
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

Status AnswerReader::Apply(const std::function<bool(const Event&)>& emit,
                           const std::function<void(const char*)>& warn) {
  if (!parts_->conversation) return {};
  bool go_on = true;
  const Emit note_end = [&](const Event& event) { return go_on = emit(event); };
  if (parts_->append) {
    const auto done = parts_->conversation->Append(*parts_->append, note_end);
    if (!done) return done.status();
    if (*done) return {};
    if (Status status = parts_->Parse(); !status.ok()) return status;
  }
  for (const wire::ClientAction& action : parts_->event->client_actions().actions()) {
    if (!go_on) return {};
    const char* ignored = nullptr;
    if (Status status = parts_->conversation->Apply(action, note_end, &ignored); !status.ok()) return status;
    if (ignored != nullptr) warn(ignored);
  }
  return {};
}

}  // namespace warppool
