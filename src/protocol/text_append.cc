#include "protocol/text_append.h"

#include <cstdint>

#include "base/utf8.h"

namespace warppool::internal {
namespace {

// Field numbers and the wire type of what has a length, as protobuf writes them; one byte each.
constexpr std::uint8_t Tag(int field) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(field) << 3U | 2U);
}

// Takes a field from the front of `in` that has a length. False: there is another one, or none.
bool TakeField(std::string_view* in, std::uint8_t* tag, std::string_view* content) {
  if (in->size() < 2) return false;
  *tag = static_cast<std::uint8_t>((*in)[0]);
  std::size_t length = 0;
  std::size_t at = 1;
  for (unsigned shift = 0;; shift += 7) {
    if (at == in->size() || shift > 28) return false;
    const auto byte = static_cast<std::uint8_t>((*in)[at++]);
    length |= static_cast<std::size_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) break;
  }
  if (length > in->size() - at) return false;
  *content = in->substr(at, length);
  in->remove_prefix(at + length);
  return true;
}

// Replaces `in` by the content of its only field. False: it has another one, or more.
bool Enter(int field, std::string_view* in) {
  std::uint8_t tag = 0;
  std::string_view content;
  if (!TakeField(in, &tag, &content) || tag != Tag(field) || !in->empty()) return false;
  *in = content;
  return true;
}

// Remembers a field's content. False: it has been there before.
bool Once(std::string_view content, std::optional<std::string_view>* field) {
  if (field->has_value()) return false;
  *field = content;
  return true;
}

// The message of the action: its id, and one text.
bool ScanMessage(std::string_view message, TextAppend* append, std::string_view* expected_path) {
  std::optional<std::string_view> id;
  std::optional<std::string_view> text;
  std::uint8_t tag = 0;
  std::string_view content;
  while (!message.empty()) {
    if (!TakeField(&message, &tag, &content)) return false;
    switch (tag) {
      case Tag(1):  // id
        if (!Once(content, &id)) return false;
        break;
      case Tag(3):  // agent_output
        if (!Enter(1, &content) || !Once(content, &text)) return false;
        *expected_path = "agent_output.text";
        break;
      case Tag(15):  // agent_reasoning
        if (!Enter(1, &content) || !Once(content, &text)) return false;
        *expected_path = "agent_reasoning.reasoning";
        break;
      case Tag(11):  // task_id
      case Tag(13):  // request_id
        if (FirstInvalidUtf8(content)) return false;
        break;
      default:
        return false;
    }
  }
  if (!id || !text || FirstInvalidUtf8(*text)) return false;
  append->message_id = *id;
  append->text = *text;
  return true;
}

}  // namespace

std::optional<TextAppend> ScanTextAppend(std::string_view event) {
  // ResponseEvent.client_actions, its only action, which is append_to_message_content.
  if (!Enter(2, &event) || !Enter(1, &event) || !Enter(5, &event)) return std::nullopt;
  std::optional<std::string_view> message;
  std::optional<std::string_view> mask;
  std::optional<std::string_view> task_id;
  std::uint8_t tag = 0;
  std::string_view content;
  while (!event.empty()) {
    if (!TakeField(&event, &tag, &content)) return std::nullopt;
    if (!(tag == Tag(1) && Once(content, &message)) && !(tag == Tag(2) && Once(content, &mask)) &&
        !(tag == Tag(3) && Once(content, &task_id))) {
      return std::nullopt;
    }
  }
  TextAppend append;
  std::string_view expected_path;
  if (!message || !mask || !task_id || !ScanMessage(*message, &append, &expected_path)) return std::nullopt;
  if (!Enter(1, &*mask) || *mask != expected_path) return std::nullopt;
  append.task_id = *task_id;
  append.path = expected_path;
  return append;
}

}  // namespace warppool::internal
