#include "http/sse_parser.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ascii.h"

namespace warppool::internal {
namespace {

constexpr std::string_view kStreamByteOrderMark = "\xEF\xBB\xBF";

// The position of the first CR or LF; the size of `text` if there is none.
std::size_t FindLineEnd(std::string_view text) {
  const auto find = [&](char c, std::size_t length) {
    const void* at = length == 0 ? nullptr : std::memchr(text.data(), c, length);
    return at == nullptr ? length : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
  };
  return find('\r', find('\n', text.size()));
}

// The room for a usual event, which is kept for the next one.
constexpr std::size_t kKeptLineBytes = 1U << 10U;

void Empty(std::string* text) {
  text->clear();
  if (text->capacity() > kKeptLineBytes) text->shrink_to_fit();
}

// In lower case.
constexpr std::array<std::string_view, 4> kKeepAliveNames{"ping", "heartbeat", "keepalive", "keep-alive"};

}  // namespace

std::optional<std::string_view> SseParser::Next(std::string_view* input) {
  if (dispatch_) {  // the event before
    Empty(&data_);
    name_.clear();
    has_data_ = has_view_ = dispatch_ = false;
  }
  while (!too_large_ && !input->empty()) {
    if (skip_line_feed_) {
      skip_line_feed_ = false;
      if (input->front() == '\n') {
        input->remove_prefix(1);
        // Of a blank line, if an event begins right here.
        if (next_offset_ == bytes_) ++next_offset_;
        ++bytes_;
        continue;
      }
    }
    const std::size_t end = FindLineEnd(*input);
    if (line_.size() + name_.size() + data_.size() + view_.size() * has_view_ + end > max_event_bytes_) {
      too_large_ = true;
      break;
    }
    if (end == input->size()) {
      line_.append(*input);
      bytes_ += end;
      *input = {};
      break;
    }
    const std::string_view tail = input->substr(0, end);
    skip_line_feed_ = (*input)[end] == '\r';
    bytes_ += end + 1;
    input->remove_prefix(end + 1);
    if (line_.empty()) {
      TakeLine(tail);
    } else {
      line_.append(tail);
      TakeLine(line_);
      KeepView();  // it looks into line_, which is used again
      Empty(&line_);
    }
    if (dispatch_) {
      event_offset_ = next_offset_;
      next_offset_ = bytes_;
      ++events_;
      return has_view_ ? view_ : std::string_view(data_);
    }
  }
  KeepView();
  return std::nullopt;
}

void SseParser::TakeLine(std::string_view line) {
  if (first_line_) {
    first_line_ = false;
    if (line.substr(0, kStreamByteOrderMark.size()) == kStreamByteOrderMark)
      line.remove_prefix(kStreamByteOrderMark.size());
  }
  if (line.empty()) {
    // An empty data line makes an event, too: the standard looks at the buffer before it takes the last LF away.
    dispatch_ = has_data_;
    if (!dispatch_) {
      name_.clear();
      next_offset_ = bytes_;
    }
    return;
  }
  std::string_view field = line.substr(0, line.find(':'));
  std::string_view value = line.substr(std::min(field.size() + 1, line.size()));
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field != "data") {
    if (field == "event") name_ = value;
    if (field.empty()) ++comments_;
    return;
  }
  if (!has_data_) {
    has_data_ = has_view_ = true;
    view_ = value;
    return;
  }
  KeepView();
  data_ += '\n';
  data_ += value;
}

void SseParser::KeepView() {
  if (!has_view_) return;
  data_.assign(view_);
  has_view_ = false;
}

bool IsKeepAlive(std::string_view event_name, std::string_view data) {
  // The service's data may stand in quotation marks.
  const auto says_something = [](char c) { return c != '"' && !IsAsciiBlank(c); };
  if (std::none_of(data.begin(), data.end(), says_something)) return true;
  if (event_name.empty()) return false;
  const std::string name = AsciiLower(event_name);
  return std::find(kKeepAliveNames.begin(), kKeepAliveNames.end(), name) != kKeepAliveNames.end();
}

bool IsErrorEvent(std::string_view event_name) {
  return event_name.size() == 5 && AsciiLower(event_name) == "error";
}

}  // namespace warppool::internal
