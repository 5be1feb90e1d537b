#include "base/json_writer.h"

#include "base/rapidjson.h"
#include "base/utf8.h"
#include "base/wipe.h"

#include <rapidjson/writer.h>

namespace warppool {
namespace {

namespace rj = warppool_rapidjson;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// A string as RapidJSON's output stream. What it outgrows is wiped.
class Output {
 public:
  using Ch = char;

  ~Output() { Wipe(&text_); }
  void Put(char c) {
    if (text_.size() == text_.capacity()) Grow();
    text_.push_back(c);
  }
  void Flush() {}
  const std::string& text() const { return text_; }

 private:
  void Grow() {
    std::string larger;
    larger.reserve(2 * text_.capacity());
    larger = text_;
    text_.swap(larger);
    Wipe(&larger);
  }

  std::string text_;
};

}  // namespace

struct JsonWriter::State {
  Output output;
  ThrowingAllocator allocator;
  rj::Writer<Output, rj::UTF8<>, rj::UTF8<>, ThrowingAllocator> writer{output, &allocator};
};

JsonWriter::JsonWriter() : state_(std::make_unique<State>()) {}
JsonWriter::~JsonWriter() = default;

void JsonWriter::Begin(char kind) {
  if (kind == '{') {
    state_->writer.StartObject();
  } else {
    state_->writer.StartArray();
  }
}

void JsonWriter::End(char kind) {
  if (kind == '{') {
    state_->writer.EndObject();
  } else {
    state_->writer.EndArray();
  }
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  state_->writer.Key(key.data(), static_cast<rj::SizeType>(key.size()));
  return *this;
}

void JsonWriter::String(std::string_view value) {
  const auto write = [&](std::string_view text) {
    state_->writer.String(text.data(), static_cast<rj::SizeType>(text.size()));
  };
  if (!FirstInvalidUtf8(value)) return write(value);
  std::string repaired;
  while (const auto bad = FirstInvalidUtf8(value)) {
    repaired.append(value.substr(0, *bad)).append(kReplacement);
    value.remove_prefix(*bad + 1);
  }
  write(repaired.append(value));
}

void JsonWriter::Number(std::int64_t value) {
  state_->writer.Int64(value);
}

void JsonWriter::Number(std::uint64_t value) {
  state_->writer.Uint64(value);
}

void JsonWriter::Number(double value) {
  state_->writer.Double(value);
}

void JsonWriter::Bool(bool value) {
  state_->writer.Bool(value);
}

void JsonWriter::Null() {
  state_->writer.Null();
}

const std::string& JsonWriter::text() const {
  return state_->output.text();
}

}  // namespace warppool
