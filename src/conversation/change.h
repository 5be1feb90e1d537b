// What a client action changed, for whoever tells the program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warppool/wire/task.pb.h"

namespace warppool::internal {

// Pointers and views are valid until the next change of the tasks.
struct Change {
  enum class Kind : std::uint8_t {
    kTaskCreated,
    kTaskRetracted,     // task_id
    kTaskField,         // name: which; text: what it is now
    kMessageAdded,      // task, message
    kMessageReplaced,   // task, message, text_before, kind_changed
    kMessageAppended,   // task, message, name: the path; text: what was appended
    kMessageRetracted,  // task_id, message_id, in_root
    kTodosChanged,      // task: a message that its list was made of is gone
  };
  Kind kind;
  const wire::Task* task = nullptr;
  const wire::Message* message = nullptr;
  bool in_root = false;
  std::string_view name{};
  std::string_view text{};
  std::string task_id{};
  std::string message_id{};
  std::optional<std::string> text_before{};  // of an agent output or reasoning; nothing: not known
  bool kind_changed = false;                 // it is another kind of message now
  bool todos_follow = false;                 // a later change tells the to-do list that both make
};

using Changes = std::vector<Change>;

}  // namespace warppool::internal
