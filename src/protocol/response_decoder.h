// One event of the answer's stream, from its data to the service's message.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/action_scan.h"
#include "protocol/wire_scan.h"
#include "warppool/event.h"
#include "warppool/status.h"
#include "warppool/wire/response.pb.h"

namespace warppool::internal {

// Of one event.
struct EventLimits {
  int max_depth = 100;                 // messages that lie in one another
  int max_messages = 100'000;          // and in all
  std::size_t max_memory = 4U << 20U;  // that reading it takes, beyond kMemoryPerByte for each byte as it came
};
inline constexpr std::uint64_t kMemoryPerByte = 4;

// Not thread-safe. What it hands out is valid until the next call of the same function.
class ResponseDecoder {
 public:
  explicit ResponseDecoder(const EventLimits& limits);

  // `data`: an event's data: base64url of a ResponseEvent, with quotes around it or not. Nothing: the "[DONE]" that
  // some other services end their streams with, which says nothing. kUndecodableEvent: neither.
  Result<std::optional<std::string_view>> Unwrap(std::string_view data);

  // What Unwrap() has returned last is not needed any more.
  void DropBytes();

  // Of what Unwrap() has returned last: kUndecodableEvent, which names a text that is not UTF-8, or kLimitExceeded for
  // what is too deep, or would take too much memory.
  Status Check(std::string_view bytes);

  // The message is on the heap, so that the caller may take parts of it without a copy. The errors are Check()'s.
  Result<wire::ResponseEvent*> Parse(std::string_view bytes);
  // The same for what was checked.
  Result<wire::ResponseEvent*> ParseChecked(std::string_view bytes);

  // The same for one of an event's actions, when the event was checked. (Only a list of numbers could still be
  // undecodable then, and no event of this schema has one.)
  Result<wire::ClientAction*> ParseAction(std::string_view bytes);

 private:
  const EventLimits limits_;
  WireScanner scanner_;
  std::unique_ptr<wire::ResponseEvent> event_;
  std::unique_ptr<wire::ClientAction> action_;
  AddedMessages added_;  // kept for its memory
  std::string bytes_;
  std::size_t event_bytes_ = 0;  // as it came
};

// The service's last event. The message's view is borrowed from `finished`.
Finished ReadFinished(const wire::ResponseEvent::StreamFinished& finished);

}  // namespace warppool::internal
