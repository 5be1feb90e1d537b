#include "protocol/text_append.h"

#include <cstdint>

#include "base/utf8.h"
#include "protocol/wire_fields.h"

namespace warppool::internal {
namespace {

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
      case LengthTag(1):  // id
        if (!Once(content, &id)) return false;
        break;
      case LengthTag(3):  // agent_output
        if (!EnterField(1, &content) || !Once(content, &text)) return false;
        *expected_path = "agent_output.text";
        break;
      case LengthTag(15):  // agent_reasoning
        if (!EnterField(1, &content) || !Once(content, &text)) return false;
        *expected_path = "agent_reasoning.reasoning";
        break;
      case LengthTag(11):  // task_id
      case LengthTag(13):  // request_id
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
  if (!EnterField(2, &event) || !EnterField(1, &event) || !EnterField(5, &event)) return std::nullopt;
  std::optional<std::string_view> message;
  std::optional<std::string_view> mask;
  std::optional<std::string_view> task_id;
  std::uint8_t tag = 0;
  std::string_view content;
  while (!event.empty()) {
    if (!TakeField(&event, &tag, &content)) return std::nullopt;
    if (!(tag == LengthTag(1) && Once(content, &message)) && !(tag == LengthTag(2) && Once(content, &mask)) &&
        !(tag == LengthTag(3) && Once(content, &task_id))) {
      return std::nullopt;
    }
  }
  TextAppend append;
  std::string_view expected_path;
  if (!message || !mask || !task_id || !ScanMessage(*message, &append, &expected_path)) return std::nullopt;
  if (!EnterField(1, &*mask) || *mask != expected_path) return std::nullopt;
  append.task_id = *task_id;
  append.path = expected_path;
  return append;
}

}  // namespace warppool::internal
