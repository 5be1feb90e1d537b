#include "base/json.h"

#include <fmt/format.h>

#include <vector>

#include "base/rapidjson.h"
#include "base/wipe.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace warppool::internal {
namespace {

namespace rj = warppool_rapidjson;

constexpr std::size_t kMaxDepth = 64;
// Every scalar keeps its whole path: without a bound a long name over a long list would take the square of its bytes.
constexpr std::size_t kMaxPath = 1024;

// Collects scalars under their paths. A level is the path up to it, and, in an array, the position of the next value.
class Flattener {
 public:
  explicit Flattener(std::map<std::string, FlatJson::Scalar>* out) : out_(out) {}

  bool Null() { return Skip(); }
  bool Bool(bool value) { return Put(value ? "true" : "false"); }
  bool Int(int value) { return Put(fmt::to_string(value)); }
  bool Uint(unsigned value) { return Put(fmt::to_string(value)); }
  bool Int64(int64_t value) { return Put(fmt::to_string(value)); }
  bool Uint64(uint64_t value) { return Put(fmt::to_string(value)); }
  bool Double(double value) { return Put(fmt::to_string(value)); }
  bool RawNumber(const char* text, rj::SizeType length, bool /*copy*/) { return Put({text, length}); }
  bool String(const char* text, rj::SizeType length, bool /*copy*/) { return Put({text, length}, true); }
  bool Key(const char* text, rj::SizeType length, bool /*copy*/) {
    levels_.back().key.assign(text, length);
    return levels_.back().prefix.size() + length <= kMaxPath;
  }
  bool StartObject() { return Enter(false); }
  bool StartArray() { return Enter(true); }
  bool EndObject(rj::SizeType /*members*/) { return Leave(); }
  bool EndArray(rj::SizeType /*elements*/) { return Leave(); }

 private:
  struct Level {
    std::string prefix;  // "" or "a.b."
    std::string key;     // of the member whose value comes next
    bool array;
    std::size_t next;
  };

  std::string TakePath() {
    if (levels_.empty()) return {};
    Level& level = levels_.back();
    return level.prefix + (level.array ? fmt::to_string(level.next++) : level.key);
  }
  bool Skip() {
    TakePath();
    return true;
  }
  bool Put(std::string_view value, bool is_string = false) {
    FlatJson::Scalar& scalar = (*out_)[TakePath()];
    Wipe(&scalar.text);  // of two with one path the last one wins
    scalar.text = value;
    scalar.is_string = is_string;
    return true;
  }
  bool Enter(bool array) {
    if (levels_.size() == kMaxDepth) return false;
    std::string prefix = levels_.empty() ? std::string() : TakePath() + ".";
    levels_.push_back({std::move(prefix), {}, array, 0});
    return true;
  }
  bool Leave() {
    levels_.pop_back();
    return true;
  }

  std::map<std::string, FlatJson::Scalar>* out_;
  std::vector<Level> levels_;
};

}  // namespace

FlatJson::~FlatJson() {
  for (auto& [path, value] : values_) Wipe(&value.text);
}

Result<FlatJson> FlatJson::Parse(std::string_view text) {
  FlatJson json;
  Flattener handler(&json.values_);
  ThrowingAllocator allocator;
  rj::GenericReader<rj::UTF8<>, rj::UTF8<>, ThrowingAllocator> reader(&allocator);
  rj::MemoryStream bytes(text.data(), text.size());
  rj::EncodedInputStream<rj::UTF8<>, rj::MemoryStream> stream(bytes);
  // The recursive parser would let a service overflow the stack.
  constexpr unsigned kFlags = rj::kParseIterativeFlag | rj::kParseValidateEncodingFlag | rj::kParseNumbersAsStringsFlag;
  const rj::ParseResult result = reader.Parse<kFlags>(stream, handler);
  if (!result) {
    const char* why = result.Code() == rj::kParseErrorTermination ? "Nested too deeply, or names too long."
                                                                  : GetParseError_En(result.Code());
    return Status(Code::kInvalidArgument, fmt::format("not valid JSON at byte {}: {}", result.Offset(), why));
  }
  return json;
}

const std::string* FlatJson::Find(const std::string& path) const {
  const auto it = values_.find(path);
  return it == values_.end() ? nullptr : &it->second.text;
}

bool FlatJson::HasMember(const std::string& name) const {
  if (values_.count(name) != 0) return true;
  const std::string prefix = name + ".";
  const auto it = values_.lower_bound(prefix);
  return it != values_.end() && it->first.rfind(prefix, 0) == 0;
}

const std::string* FlatJson::FindAny(std::initializer_list<const char*> paths) const {
  for (const char* path : paths) {
    const std::string* value = Find(path);
    if (value != nullptr && !value->empty()) return value;
  }
  return nullptr;
}

const std::string* FlatJson::FindText(std::initializer_list<const char*> paths) const {
  for (const char* path : paths) {
    const auto it = values_.find(path);
    if (it != values_.end() && it->second.is_string && !it->second.text.empty()) return &it->second.text;
  }
  return nullptr;
}

}  // namespace warppool::internal
