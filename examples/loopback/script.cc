#include "script.h"

namespace loopback {

void ScriptQueue::Add(Behaviour behaviour) {
  if (behaviour.times != 0) queue_.push_back(std::move(behaviour));
}

std::optional<Behaviour> ScriptQueue::Next() {
  if (queue_.empty()) return std::nullopt;
  Behaviour& first = queue_.front();
  if (first.after > 0) {
    --first.after;
    return Ok();
  }
  if (first.times < 0) return first;
  if (--first.times > 0) return first;
  Behaviour last_time = std::move(first);
  queue_.pop_front();
  return last_time;
}

}  // namespace loopback
