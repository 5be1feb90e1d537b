// Server-sent events, by the rules of the WHATWG HTML standard, section "Server-sent events": lines end with CR, LF or
// CRLF, a byte-order mark at the start is ignored, comments and unknown fields are skipped, several data lines are
// joined with LF, and an event without data or without its closing blank line is no event.
//
//   SseParser parser(limit);
//   std::string_view input = chunk;
//   while (auto data = parser.Next(&input)) {    // may stop at any event; `input` is what is left
//     if (!IsKeepAlive(parser.event_name(), *data)) Handle(*data);
//   }
//   if (parser.too_large()) ...
//
// Of the fields only `data` and `event` are kept. Chunks may be cut anywhere. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace warppool::internal {

class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  // Takes bytes from the front of `input` until an event is complete. The result is its data, valid until the next call
  // and as long as the input's memory; nothing: the input is used up, or too_large().
  std::optional<std::string_view> Next(std::string_view* input);

  // The name of the event returned last, valid until the next call of Next(). Empty: none, which is "message" by the
  // standard.
  std::string_view event_name() const { return name_; }

  // A line or an event exceeded the limit. Final: Next() returns nothing from then on.
  bool too_large() const { return too_large_; }

  std::uint64_t events() const { return events_; }              // that were returned
  std::uint64_t comments() const { return comments_; }          // lines that are one
  std::uint64_t bytes() const { return bytes_; }                // that were taken from inputs
  std::uint64_t event_offset() const { return event_offset_; }  // where the event returned last began

 private:
  void TakeLine(std::string_view line);
  void KeepView();

  const std::size_t max_event_bytes_;
  bool too_large_ = false;
  bool first_line_ = true;
  bool skip_line_feed_ = false;  // the last line ended with CR: an LF right behind it belongs to it
  std::string line_;             // the beginning of a line whose end has not come
  std::string data_;             // the event's data so far
  std::string_view view_;        // or this, as long as it is one line in the present input: saves a copy
  std::string name_;             // of the event so far
  bool has_view_ = false;
  bool has_data_ = false;
  bool dispatch_ = false;  // a blank line has come
  std::uint64_t events_ = 0;
  std::uint64_t comments_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t next_offset_ = 0;
  std::uint64_t event_offset_ = 0;
};

// An event that says nothing but that the connection lives: one without data, or with a name that says so ("ping"),
// whatever its data.
bool IsKeepAlive(std::string_view event_name, std::string_view data);

// An event that tells, in words instead of a message, what went wrong ("event: error").
bool IsErrorEvent(std::string_view event_name);

}  // namespace warppool::internal
