// What a request is answered, before anything is sent.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loopback.h"

namespace loopback {

struct Reply {
  int status = 200;  // 0: the connection is reset instead
  std::string content_type;
  std::string body;
  bool is_stream = false;
  std::vector<std::string> frames;  // of a stream, instead of `body`
  Behaviour behaviour;              // delay, gap, cut, byte_by_byte and headers of it still apply
  // Of a stream, may be NULL: true from when its last frame goes out, unless a client left before.
  std::shared_ptr<std::atomic<bool>> all_sent;
  std::string token;      // for the journal
  std::string complaint;  // for the journal; empty: none
};

inline Reply JsonReply(int status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.content_type = "application/json";
  reply.body = std::move(body);
  return reply;
}

// What is scripted instead of the usual answer, where that is no stream. The bytes of a stream are sent as a body that
// is not what the client expects.
inline Reply ScriptedReply(Behaviour behaviour) {
  Reply reply;
  switch (behaviour.kind) {
    case Behaviour::Kind::kStatus:
      reply.status = behaviour.status;
      break;
    case Behaviour::Kind::kReset:
      reply.status = 0;
      break;
    default:
      reply.content_type = "application/json";
      break;
  }
  reply.body = behaviour.body;
  reply.behaviour = std::move(behaviour);
  return reply;
}

}  // namespace loopback
