// The SSE parser beside a plain reading of the same bytes: in one chunk, byte by byte, and cut where the input says.
//
// The input is the stream, then a byte that chooses the cuts, and one that chooses the limit.
#include "http/sse_parser.h"

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "promise.h"

namespace warppool::internal {
namespace {

struct SseEvent {
  std::string name;
  std::string data;
  std::uint64_t offset;
  bool operator==(const SseEvent& other) const {
    return name == other.name && data == other.data && offset == other.offset;
  }
};

struct Reading {
  std::vector<SseEvent> events;
  std::uint64_t comments = 0;
  bool too_large = false;
  bool operator==(const Reading& other) const {
    return events == other.events && comments == other.comments && too_large == other.too_large;
  }
};

// What behind the field's name and the colon is its value.
std::string_view ValueOf(std::string_view line, std::size_t name_bytes) {
  line.remove_prefix(std::min(line.size(), name_bytes + 1));
  if (line.substr(0, 1) == " ") line.remove_prefix(1);
  return line;
}

bool IsField(std::string_view line, std::string_view name) {
  return line.substr(0, name.size()) == name && (line.size() == name.size() || line[name.size()] == ':');
}

// Line by line over the whole stream, without any state between chunks to get wrong.
Reading ReadPlainly(std::string_view stream, std::size_t limit) {
  Reading reading;
  std::vector<std::string> data;  // the event's lines
  std::string name;               // the event's
  std::size_t data_bytes = 0;     // joined
  std::size_t begin = 0;          // of the event
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t end = std::min(stream.find_first_of("\r\n", at), stream.size());
    std::string_view line = stream.substr(at, end - at);
    if (line.size() + name.size() + data_bytes > limit) {
      reading.too_large = true;
      return reading;
    }
    if (end == stream.size()) return reading;
    if (at == 0 && line.substr(0, 3) == "\xEF\xBB\xBF") line.remove_prefix(3);
    at = end + (stream.substr(end, 2) == "\r\n" ? 2 : 1);
    if (line.empty()) {
      if (!data.empty()) {
        std::string joined = data.front();
        for (std::size_t i = 1; i < data.size(); ++i) joined += "\n" + data[i];
        reading.events.push_back({name, joined, begin});
      }
      data.clear();
      data_bytes = 0;
      name.clear();
      begin = at;
    } else if (IsField(line, "data")) {
      line = ValueOf(line, 4);
      data_bytes += line.size() + (data.empty() ? 0 : 1);
      data.emplace_back(line);
    } else if (IsField(line, "event")) {
      name = ValueOf(line, 5);
    } else if (line.front() == ':') {
      ++reading.comments;
    }
  }
  return reading;
}

Reading Parse(std::string_view stream, std::size_t limit, const std::function<std::size_t()>& next_length) {
  SseParser parser(limit);
  Reading reading;
  std::string_view left = stream;
  while (!left.empty() && !parser.too_large()) {
    const std::size_t length = std::clamp<std::size_t>(next_length(), 1, left.size());
    // Memory that ends with the chunk: the sanitizer sees a parser that looks at it later.
    const std::vector<char> chunk(left.data(), left.data() + length);
    left.remove_prefix(length);
    std::string_view input(chunk.data(), chunk.size());
    while (const auto data = parser.Next(&input)) {
      const std::string name(parser.event_name());
      reading.events.push_back({name, std::string(*data), parser.event_offset()});
      Promise(!data->empty() || IsKeepAlive(name, *data), "without data it only keeps alive");
    }
    Promise(input.empty() || parser.too_large(), "an input is used up");
  }
  reading.comments = parser.comments();
  reading.too_large = parser.too_large();
  Promise(parser.events() == reading.events.size(), "events() counts what was returned");
  Promise(parser.bytes() <= stream.size(), "bytes() counts no byte twice");
  if (parser.too_large()) {
    std::string_view more = "data: more\n\n";
    Promise(!parser.Next(&more), "too_large() is final");
  } else {
    Promise(parser.bytes() == stream.size(), "bytes() counts every byte");
  }
  return reading;
}

std::uint8_t TakeLast(std::string_view* input) {
  if (input->empty()) return 0;
  const auto last = static_cast<std::uint8_t>(input->back());
  input->remove_suffix(1);
  return last;
}

}  // namespace
}  // namespace warppool::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace warppool::internal;
  std::string_view stream(reinterpret_cast<const char*>(data), size);
  const std::size_t limit = std::size_t{8} * TakeLast(&stream);
  std::minstd_rand random(TakeLast(&stream) + 1U);

  const Reading expected = ReadPlainly(stream, limit);
  Promise(Parse(stream, limit, [&] { return stream.size(); }) == expected, "one chunk reads as the standard says");
  Promise(Parse(stream, limit, [] { return 1; }) == expected, "single bytes read as one chunk does");
  Promise(Parse(stream, limit, [&] { return 1 + random() % 24; }) == expected, "chunks read as one chunk does");
  return 0;
}
