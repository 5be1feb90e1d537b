// Reads an answer's stream: from the data of each server-sent event to what it says, and on to the conversation and the
// program's events.
//
//   const auto kind = reader.Read(data);
//   if (!kind) return Fail(kind.status());
//   if (*kind == AnswerReader::Kind::kActions) status = reader.Apply([&](const Event& event) { ... return true; });
//
// Not thread-safe. What the accessors return is valid until the next Read().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "warppool/event.h"
#include "warppool/status.h"

namespace warppool {

namespace internal {
class ConversationImpl;
}  // namespace internal

class AnswerReader {
 public:
  enum class Kind : std::uint8_t {
    kNothing,   // a "[DONE]", which says nothing
    kInit,      // conversation_id(), request_id(), run_id()
    kActions,   // Apply()
    kFinished,  // finished()
    kUnknown,   // bytes()
  };

  // `conversation`: what the actions change; null: they are not looked at. `max_depth`: of messages in messages.
  AnswerReader(std::shared_ptr<internal::ConversationImpl> conversation, int max_depth);
  ~AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  // kUndecodableEvent: it is none of these. kLimitExceeded: it is too deep.
  Result<Kind> Read(std::string_view data);

  const std::string& conversation_id() const;
  const std::string& request_id() const;
  const std::string& run_id() const;
  Finished finished() const;
  std::string_view bytes() const;  // the serialized ResponseEvent

  // Applies the actions, and turns them into events, each of them valid during its call. When `emit` returns false no
  // further event comes, no further action is applied, and the conversation is not touched again. `warn`: an action was
  // ignored, and why. kInvalidAction, kLimitExceeded; kUndecodableEvent, since the usual event is decoded no further
  // than it takes.
  Status Apply(const std::function<bool(const Event&)>& emit, const std::function<void(const char*)>& warn);

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace warppool
