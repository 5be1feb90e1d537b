#include "base/json_writer.h"

#include <cmath>
#include <utility>

#include "base/rapidjson.h"
#include "base/utf8.h"
#include "base/wipe.h"

#include <rapidjson/writer.h>

namespace warppool::internal {
namespace {

namespace rj = warppool_rapidjson;

// More than a short string keeps inside itself: those bytes stay behind when it moves to the heap.
constexpr std::size_t kFirstCapacity = 256;
constexpr std::size_t kLarge = 256U << 10U;

}  // namespace

struct JsonWriter::State {
  // A string as RapidJSON's output stream. What it outgrows is wiped.
  class Output {
   public:
    using Ch = char;

    Output() : text_(kFirstCapacity, '\0') {}
    ~Output() { Wipe(&text_); }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    void Put(char c) {
      if (size_ == text_.size()) Grow();
      text_[size_++] = c;
    }
    void Flush() {}
    const std::string& text() {
      text_.resize(size_);
      return text_;
    }
    std::string Take() {
      text_.resize(size_);
      return std::move(text_);
    }

   private:
    void Grow() {
      // A large one is copied more often, so that it does not take twice its size.
      const std::size_t more = text_.size() < kLarge ? text_.size() : text_.size() / 4;
      std::string larger(text_.size() + more + kFirstCapacity, '\0');
      text_.copy(larger.data(), size_);
      text_.swap(larger);
      Wipe(&larger);
    }

    std::string text_;  // with room for more
    std::size_t size_ = 0;
  };

  Output output;
  ThrowingAllocator allocator;
  rj::Writer<Output, rj::UTF8<>, rj::UTF8<>, ThrowingAllocator> writer{output, &allocator};
};

JsonWriter::JsonWriter() : state_(std::make_unique<State>()) {}
JsonWriter::~JsonWriter() = default;

void JsonWriter::StartObject() {
  state_->writer.StartObject();
}

void JsonWriter::EndObject() {
  state_->writer.EndObject();
}

void JsonWriter::StartArray() {
  state_->writer.StartArray();
}

void JsonWriter::EndArray() {
  state_->writer.EndArray();
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  String(key);  // RapidJSON sees by itself what is due
  return *this;
}

void JsonWriter::String(std::string_view value) {
  const auto write = [&](std::string_view text) {
    // Newer versions of RapidJSON refuse a null pointer, even for an empty text.
    state_->writer.String(text.empty() ? "" : text.data(), static_cast<rj::SizeType>(text.size()));
  };
  if (!FirstInvalidUtf8(value)) return write(value);
  std::string repaired = RepairedUtf8(value);
  write(repaired);
  Wipe(&repaired);
}

void JsonWriter::Number(std::int64_t value) {
  state_->writer.Int64(value);
}

void JsonWriter::Number(std::uint64_t value) {
  state_->writer.Uint64(value);
}

void JsonWriter::Number(double value) {
  std::isfinite(value) ? state_->writer.Double(value) : state_->writer.Null();
}

void JsonWriter::Bool(bool value) {
  state_->writer.Bool(value);
}

void JsonWriter::Null() {
  state_->writer.Null();
}

std::string JsonWriter::Take() && {
  return state_->output.Take();
}

const std::string& JsonWriter::text() const {
  return state_->output.text();
}

}  // namespace warppool::internal
