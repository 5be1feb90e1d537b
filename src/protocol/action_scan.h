// The actions of an answer's event, found in its bytes, so that the messages around them need not be made.
#pragma once

#include <string_view>
#include <vector>

namespace warppool::internal {

// The serialized ClientActions of a serialized ResponseEvent. False: it is no client_actions, or there is anything
// unusual about it. That is for protobuf to decide.
bool FindActions(std::string_view event, std::vector<std::string_view>* actions);

// A ClientAction that is add_messages_to_task and nothing else. The views are borrowed.
struct AddedMessages {
  std::string_view task_id;
  std::vector<std::string_view> messages;  // serialized
};

// False: as above.
bool FindAddedMessages(std::string_view action, AddedMessages* added);

}  // namespace warppool::internal
