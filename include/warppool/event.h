// What a stream delivers, in the order in which it happened.
//
//   if (const auto* delta = std::get_if<warppool::TextDelta>(&event)) std::cout << delta->text << std::flush;
//
// The views are borrowed: from a push callback they are valid until it returns, from Stream::Next() until the next call
// on that stream or its destruction. Copy what must last.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <variant>

#include "warppool/status.h"

namespace warppool {

// The service accepted the request and the answer begins. Once, before any text.
struct StreamStarted {
  std::string_view token;  // the name of the token that serves it
  std::string_view conversation_id;
  std::string_view request_id;
  std::string_view run_id;
};

// More of the answer's text: append it to what came before.
struct TextDelta {
  std::string_view message_id;
  std::string_view text;
};

// The service rewrote a message that was shown already: this is its whole text now.
struct TextReplaced {
  std::string_view message_id;
  std::string_view text;
};

// The numbers are stable and the same in C (warppool_next_step).
enum class NextStep : int {
  kSameToken = 1,  // again with a new JWT of the same token
  kNextToken = 2,  // at once with another token
  kWait = 3,       // after a pause
  kGiveUp = 4,     // no further attempt; the final status follows
};

// One attempt failed. What was delivered so far stands.
struct AttemptFailed {
  std::string_view token;
  Code code;
  std::string_view message;
  NextStep next;
  std::chrono::milliseconds wait;  // with NextStep::kWait; else 0
};

// No token is ready, and nothing has been sent: the request waits for one. After a failed attempt, AttemptFailed says
// so instead.
struct Waiting {
  std::chrono::milliseconds wait;  // at most; what is not known in advance may come sooner
  std::string_view reason;         // one sentence
};

// What the request cost, as far as the service says.
struct Usage {
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t cache_read_tokens = 0;
  std::uint64_t cache_write_tokens = 0;
  double cost_in_cents = 0;
  double credits = 0;
  double context_window_usage = 0;  // 0 to 1
};

// The numbers are stable and the same in C (warppool_finish_reason).
enum class FinishReason : int {
  kDone = 1,
  kQuotaLimit = 2,
  kMaxTokenLimit = 3,
  kContextWindowExceeded = 4,
  kModelUnavailable = 5,
  kInternalError = 6,
  kInvalidModelKey = 7,
  kOther = 8,
  kUnknown = 9,  // not in this version's schema
};

// The service's last word. The stream's final status follows: OK with kDone, else the code for the reason.
struct Finished {
  FinishReason reason;
  std::string_view message;  // with kInternalError and kInvalidModelKey; else empty
  Usage usage;
};

// Something that this version has no event for (a tool call, a task update, ...): nothing is swallowed.
struct UnknownEvent {
  std::string_view kind;   // a field name of the schema ("create_task"); empty: not in the schema
  std::string_view bytes;  // the serialized ClientAction, or ResponseEvent if `kind` is empty
};

using Event = std::variant<StreamStarted, TextDelta, TextReplaced, AttemptFailed, Waiting, Finished, UnknownEvent>;

}  // namespace warppool
