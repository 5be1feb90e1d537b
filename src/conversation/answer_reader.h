// Reads an answer's stream: from the data of each server-sent event to what it says, and to the program's events.
//
//   const auto kind = reader.Read(data);
//   if (!kind) return Fail(kind.status());
//   if (*kind == AnswerReader::Kind::kActions) reader.Apply([&](const Event& event) { Deliver(event); });
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

class AnswerReader {
 public:
  enum class Kind : std::uint8_t {
    kNothing,   // a "[DONE]", which says nothing
    kInit,      // conversation_id(), request_id(), run_id()
    kActions,   // Apply()
    kFinished,  // finished()
    kUnknown,   // bytes()
  };

  AnswerReader();
  ~AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  // kUndecodableEvent: it is none of these.
  Result<Kind> Read(std::string_view data);

  const std::string& conversation_id() const;
  const std::string& request_id() const;
  const std::string& run_id() const;
  Finished finished() const;
  std::string bytes() const;

  // Turns the actions into events, each of them valid during its call. Stops early when `emit` returns false.
  void Apply(const std::function<bool(const Event&)>& emit);

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace warppool
