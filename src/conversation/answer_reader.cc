#include "conversation/answer_reader.h"

#include "conversation/answer_text.h"
#include "protocol/response_decoder.h"

namespace warppool {

struct AnswerReader::Parts {
  ResponseDecoder decoder;
  AnswerText text;
  const wire::ResponseEvent* event = nullptr;  // the last one that was read; on the decoder's arena
};

AnswerReader::AnswerReader() : parts_(std::make_unique<Parts>()) {}

AnswerReader::~AnswerReader() = default;

Result<AnswerReader::Kind> AnswerReader::Read(std::string_view data) {
  const auto decoded = parts_->decoder.Decode(data);
  if (!decoded) return decoded.status();
  parts_->event = *decoded;
  if (parts_->event == nullptr) return Kind::kNothing;
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

std::string AnswerReader::bytes() const {
  return parts_->event->SerializeAsString();
}

void AnswerReader::Apply(const std::function<bool(const Event&)>& emit) {
  bool go_on = true;
  for (const wire::ClientAction& action : parts_->event->client_actions().actions()) {
    if (!go_on) return;
    parts_->text.Apply(action, [&](const Event& event) { go_on = go_on && emit(event); });
  }
}

}  // namespace warppool
