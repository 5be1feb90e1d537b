// The events of an answer, as they go over the wire. Pure: a description in, bytes out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loopback {

struct Answer {
  std::string conversation_id = "conversation-0";
  std::string request_id = "request-0";
  std::string run_id = "run-0";
  std::string task_id;      // the task that the messages go to
  bool create_task = true;  // false: the client has it already
  bool with_text = true;    // false: `init` and `finished` only
  std::string text;
  int chunks = 1;  // deltas that the text is split into
  std::string finish = "done";
  std::string model_id = "auto";
  std::size_t query_bytes = 0;  // told as input tokens; the text's bytes as output tokens
};

// Each element is one whole event: `init`, then `create_task`, `add_messages_to_task` with the text's first part, one
// `append_to_message_content` for each other part, and `finished`.
std::vector<std::string> AnswerFrames(const Answer& answer);

std::string InitFrame(const Answer& answer);

// A field name of StreamFinished's reasons, "unknown" or "none".
bool IsFinishReason(const std::string& name);

// At most `parts` pieces of nearly the same length, none of them empty and none with half a character; one empty piece
// for an empty text.
std::vector<std::string_view> SplitText(std::string_view text, int parts);

// What is sent as one event each: `bytes` cut behind every empty line.
std::vector<std::string> SplitFrames(std::string_view bytes);

}  // namespace loopback
