// The events of an answer, as they go over the wire. Pure: a description in, bytes out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turn.h"

namespace loopback {

struct Frames {
  std::vector<std::string> all;  // each one whole event: `init`, those with actions, `finished`
  std::string problem;           // a step that does not fit; empty: none
  bool has_illegal = false;      // an action that a client must not take
};

// `before`: the conversation's tasks so far.
Frames AnswerFrames(const Answer& answer, Tasks before = {});

std::string InitFrame(const Answer& answer);

// A field name of StreamFinished's reasons, "unknown" or "none".
bool IsFinishReason(const std::string& name);

// At most `parts` pieces of nearly the same length, none of them empty and none with half a character; one empty piece
// for an empty text.
std::vector<std::string_view> SplitText(std::string_view text, int parts);

// What is sent as one event each: `bytes` cut behind every empty line.
std::vector<std::string> SplitFrames(std::string_view bytes);

}  // namespace loopback
