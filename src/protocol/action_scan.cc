#include "protocol/action_scan.h"

#include <optional>

#include "protocol/wire_fields.h"

namespace warppool::internal {

bool FindActions(std::string_view event, std::vector<std::string_view>* actions) {
  actions->clear();
  if (!EnterField(2, &event)) return false;  // client_actions
  std::uint8_t tag = 0;
  std::string_view content;
  while (!event.empty()) {
    if (!TakeField(&event, &tag, &content) || tag != LengthTag(1)) return false;  // actions
    actions->push_back(content);
  }
  return true;
}

bool FindAddedMessages(std::string_view action, AddedMessages* added) {
  added->messages.clear();
  if (!EnterField(3, &action)) return false;  // add_messages_to_task
  std::optional<std::string_view> task_id;
  std::uint8_t tag = 0;
  std::string_view content;
  while (!action.empty()) {
    if (!TakeField(&action, &tag, &content)) return false;
    if (tag == LengthTag(2)) {
      added->messages.push_back(content);
    } else if (tag == LengthTag(1) && !task_id) {
      task_id = content;
    } else {
      return false;
    }
  }
  added->task_id = task_id.value_or(std::string_view());
  return true;
}

}  // namespace warppool::internal
