// Reads an answer's stream: from the data of each server-sent event to what it says, and on to the conversation and the
// program's events.
//
//   const auto kind = reader.Read(data);
//   if (!kind) return Fail(kind.status());
//   while (reader.has_more()) status = reader.ApplyNext([&](const Event& event) { ... return true; }, &ignored);
//   reader.Keep();
//
// All answers of a thread are read with one decoder, whose memory is that of one event. So what the accessors return is
// valid until any of them is read. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "conversation/emit.h"
#include "warppool/event.h"
#include "warppool/status.h"

namespace warppool::internal {

class ConversationImpl;
class ResponseDecoder;

class AnswerReader {
 public:
  enum class Kind : std::uint8_t {
    kNothing,   // a "[DONE]", which says nothing
    kInit,      // conversation_id(), request_id(), run_id()
    kActions,   // ApplyNext() for each
    kFinished,  // finished()
    kUnknown,   // bytes()
  };

  // `conversation`: what the actions change; null: they are not looked at.
  AnswerReader(std::shared_ptr<ConversationImpl> conversation, ResponseDecoder* decoder);
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

  // Applies the next action, and turns it into events, each of them valid during its call. When `emit` returns false no
  // further event comes, and the conversation is not touched again. `ignored`: why it did nothing, where that is worth
  // a warning. kInvalidAction, kLimitExceeded; kUndecodableEvent, since the usual event is decoded no further than it
  // takes.
  Status ApplyNext(const Emit& emit, const char** ignored);
  // Whether there is an action that was not applied.
  bool has_more() const;
  // Those are applied later: until then other answers may be read.
  void Keep();
  void DropRest();  // of the actions

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace warppool::internal
