#include "protocol/json_object.h"

#include <fmt/format.h>

#include "base/rapidjson.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace warppool {
namespace {

namespace rj = warppool_rapidjson;

// protobuf's parsers stop at 100 messages in messages, and each level of JSON takes three of them.
constexpr std::size_t kMaxObjectDepth = 30;

// Counts the levels, and has nothing to say to what is in them.
class DepthChecker : public rj::BaseReaderHandler<rj::UTF8<>, DepthChecker> {
 public:
  bool StartObject() { return ++depth_ <= kMaxObjectDepth; }
  bool StartArray() { return ++depth_ <= kMaxObjectDepth; }
  bool EndObject(rj::SizeType /*members*/) { return Leave(); }
  bool EndArray(rj::SizeType /*elements*/) { return Leave(); }

 private:
  bool Leave() {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
};

class StructWriter {
 public:
  explicit StructWriter(google::protobuf::Struct* root) : root_(root) {}

  bool Null() {
    Next()->set_null_value(google::protobuf::NULL_VALUE);
    return true;
  }
  bool Bool(bool value) {
    Next()->set_bool_value(value);
    return true;
  }
  bool Int(int value) { return Double(value); }
  bool Uint(unsigned value) { return Double(value); }
  bool Int64(int64_t value) { return Double(static_cast<double>(value)); }
  bool Uint64(uint64_t value) { return Double(static_cast<double>(value)); }
  bool Double(double value) {
    Next()->set_number_value(value);
    return true;
  }
  bool RawNumber(const char* /*text*/, rj::SizeType /*length*/, bool /*copy*/) { return false; }  // not asked for
  bool String(const char* text, rj::SizeType length, bool /*copy*/) {
    Next()->set_string_value(text, length);
    return true;
  }
  bool Key(const char* text, rj::SizeType length, bool /*copy*/) {
    key_.assign(text, length);
    return true;
  }
  bool StartObject() { return Enter({levels_.empty() ? root_ : Next()->mutable_struct_value(), nullptr}); }
  bool StartArray() { return Enter({nullptr, Next()->mutable_list_value()}); }
  bool EndObject(rj::SizeType /*members*/) { return Leave(); }
  bool EndArray(rj::SizeType /*elements*/) { return Leave(); }

 private:
  struct Level {
    google::protobuf::Struct* object;
    google::protobuf::ListValue* array;
  };

  // Where the next value goes: an empty one.
  google::protobuf::Value* Next() {
    const Level& level = levels_.back();  // the document begins with an object
    if (level.array != nullptr) return level.array->add_values();
    google::protobuf::Value* value = &(*level.object->mutable_fields())[key_];
    value->Clear();
    return value;
  }
  bool Enter(Level level) {
    levels_.push_back(level);
    return levels_.size() <= kMaxObjectDepth;
  }
  bool Leave() {
    levels_.pop_back();
    return true;
  }

  google::protobuf::Struct* root_;
  std::vector<Level> levels_;
  std::string key_;
};

template <typename Handler>
Problem Read(std::string_view text, Handler handler) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return Is("is no JSON object");
  // RapidJSON would take it for the end.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return Is(fmt::format("not valid JSON at byte {}: NUL.", nul));
  }
  ThrowingAllocator allocator;
  rj::GenericReader<rj::UTF8<>, rj::UTF8<>, ThrowingAllocator> reader(&allocator);
  rj::MemoryStream stream(text.data(), text.size());
  // The recursive parser would overflow the stack.
  const rj::ParseResult result =
      reader.template Parse<rj::kParseIterativeFlag | rj::kParseValidateEncodingFlag>(stream, handler);
  if (result) return {};
  const bool too_deep = result.Code() == rj::kParseErrorTermination;
  return Is(fmt::format("not valid JSON at byte {}: {}", result.Offset(),
                        too_deep ? "Nested too deeply." : GetParseError_En(result.Code())));
}

}  // namespace

Problem ReadJsonObject(std::string_view text, google::protobuf::Struct* to) {
  return Read(text, StructWriter(to));
}

Problem CheckJsonObject(std::string_view text) {
  return Read(text, DepthChecker());
}

}  // namespace warppool
