// The most frequent event by far: a client action that appends to a text. Read straight from the bytes, without a
// message for it.
#pragma once

#include <optional>
#include <string_view>

namespace warppool::internal {

// A text delta without its message around it. The views are borrowed.
struct TextAppend {
  std::string_view task_id;
  std::string_view message_id;
  std::string_view path;  // the field mask's only one: "agent_output.text" or "agent_reasoning.reasoning"
  std::string_view text;
};

// What the serialized ResponseEvent says if it is one append_to_message_content and nothing else: nothing where there
// is anything unusual about it, be it right or wrong. That is for protobuf to decide. The text is UTF-8; the ids need
// not be.
std::optional<TextAppend> ScanTextAppend(std::string_view event);

}  // namespace warppool::internal
