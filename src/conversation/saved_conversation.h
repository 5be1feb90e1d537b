// A conversation as bytes: a line that says what it is and its version, a checksum, and a message of protobuf's.
#pragma once

#include <string>
#include <string_view>

#include "conversation/task_store.h"
#include "warppool/event.h"
#include "warppool/status.h"

namespace warppool::internal {

struct SavedConversation {
  TaskStore tasks;
  std::string id;
  std::string token;
  std::string owner_key;
  Usage usage;
};

Result<std::string> WriteSaved(SavedConversation saved);

// kInvalidArgument says what is wrong.
Result<SavedConversation> ReadSaved(std::string_view bytes);

// What is behind the checksum. For itself, so that it can be tested without one.
Result<SavedConversation> ReadSavedMessage(std::string_view bytes);

}  // namespace warppool::internal
