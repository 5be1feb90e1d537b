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

// Not thread-safe. What it hands out is valid until the next call of the same function.
class ResponseDecoder {
 public:
  // `max_depth`: how many messages may lie in one another.
  explicit ResponseDecoder(int max_depth);

  // `data`: an event's data: base64url of a ResponseEvent, with quotes around it or not. Nothing: the "[DONE]" that
  // some other services end their streams with, which says nothing. kUndecodableEvent: neither.
  Result<std::optional<std::string_view>> Unwrap(std::string_view data);

  // kUndecodableEvent, which names a text that is not UTF-8, or kLimitExceeded for what is too deep.
  Status Check(std::string_view bytes);

  // The message is on the heap, so that the caller may take parts of it without a copy. The errors are Check()'s.
  Result<wire::ResponseEvent*> Parse(std::string_view bytes);

  // The same for one of an event's actions, when the event was checked. (Only a list of numbers could still be
  // undecodable then, and no event of this schema has one.)
  Result<wire::ClientAction*> ParseAction(std::string_view bytes);

 private:
  const int max_depth_;
  WireScanner scanner_;
  std::unique_ptr<wire::ResponseEvent> event_;
  std::unique_ptr<wire::ClientAction> action_;
  AddedMessages added_;  // kept for its memory
  std::string bytes_;
};

// The service's last event. The message's view is borrowed from `finished`.
Finished ReadFinished(const wire::ResponseEvent::StreamFinished& finished);

}  // namespace warppool::internal
