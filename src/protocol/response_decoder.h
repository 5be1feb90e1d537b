// One event of the answer's stream, from its data to the service's message.
#pragma once

#include <google/protobuf/arena.h>

#include <string>
#include <string_view>

#include "warppool/event.h"
#include "warppool/status.h"
#include "warppool/wire/response.pb.h"

namespace warppool {

// Not thread-safe. The messages it hands out live on its arena, until the next Decode().
class ResponseDecoder {
 public:
  ResponseDecoder();

  // `data`: an event's data: base64url of a ResponseEvent, with quotes around it or not. nullptr: the "[DONE]" that
  // some other services end their streams with, which says nothing. kUndecodableEvent: neither.
  Result<const wire::ResponseEvent*> Decode(std::string_view data);

 private:
  std::string block_;  // the arena's first block: the usual event needs no other memory
  google::protobuf::Arena arena_;
  std::string bytes_;
};

// The service's last event. The message's view is borrowed from `finished`.
Finished ReadFinished(const wire::ResponseEvent::StreamFinished& finished);

}  // namespace warppool
