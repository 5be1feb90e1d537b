#include "protocol/json_to_message.h"

#include <fmt/format.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/base64url.h"
#include "base/rapidjson.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "platform/read_double.h"
#include "protocol/map_entry.h"
#include "protocol/protobuf_version.h"
#include "protocol/text_fields.h"
#include "warppool/wire/struct.pb.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace warppool::internal {
namespace {

namespace rj = warppool_rapidjson;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

using JsonDocument = rj::GenericDocument<rj::UTF8<>, rj::MemoryPoolAllocator<ThrowingAllocator>, ThrowingAllocator>;
using Json = JsonDocument::ValueType;

// The recursive parser would overflow the stack.
constexpr unsigned kStrictJson =
    rj::kParseIterativeFlag | rj::kParseValidateEncodingFlag | rj::kParseNumbersAsStringsFlag;
// protobuf's parsers stop at 100 messages in messages, and each level of JSON takes three of them.
constexpr std::size_t kMaxJsonDepth = 30;

// All of `text` is one whole number.
template <typename Integer>
std::optional<Integer> NumberIn(std::string_view text) {
  Integer number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// Whether a number that no double holds is too large, rather than too close to zero: by the place of its first digit.
bool IsTooLarge(std::string_view number) {
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  const std::string_view digits = number.substr(0, e);
  const std::size_t first = digits.find_first_of("123456789");
  if (first == digits.npos) return false;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const auto place = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  std::string_view power = e < number.size() ? number.substr(e + 1) : "0";
  if (power.front() == '+') power.remove_prefix(1);
  // One that has no place in an int outdoes all digits.
  const auto exponent = NumberIn<int>(power);
  return exponent ? place + *exponent > 0 : power.front() != '-';
}

// The number that JSON's grammar has been seen to allow; nothing: it is too large for a double.
std::optional<double> DoubleOf(std::string_view text) {
  if (const auto number = ReadDouble(text)) return number;
  return IsTooLarge(text) ? std::nullopt : std::optional(0.0);
}

// Hands JSON on to `next`, but for what RapidJSON lets through. Numbers come as texts: its own reading of them is off
// by a digit here and there, and far off near the largest ones.
template <typename Next>
class StrictHandler {
 public:
  explicit StrictHandler(Next* next) : next_(next) {}

  bool Null() { return next_->Null(); }
  bool Bool(bool value) { return next_->Bool(value); }
  bool RawNumber(const char* text, rj::SizeType length, bool /*copy*/) {
    const std::string_view digits(text, length);
    if (const auto number = NumberIn<std::int64_t>(digits)) return next_->Int64(*number);
    if (const auto number = NumberIn<std::uint64_t>(digits)) return next_->Uint64(*number);
    const auto number = DoubleOf(digits);
    return number ? next_->Double(*number) : Refuse("Number too big to be stored in double.");
  }
  bool String(const char* text, rj::SizeType length, bool copy) {
    return CheckText(text, length) && next_->String(text, length, copy);
  }
  bool Key(const char* text, rj::SizeType length, bool copy) {
    return CheckText(text, length) && next_->Key(text, length, copy);
  }
  bool StartObject() { return Enter() && next_->StartObject(); }
  bool StartArray() { return Enter() && next_->StartArray(); }
  bool EndObject(rj::SizeType members) {
    --depth_;
    return next_->EndObject(members);
  }
  bool EndArray(rj::SizeType elements) {
    --depth_;
    return next_->EndArray(elements);
  }
  // Not called: numbers come as texts.
  bool Int(int /*value*/) { return false; }
  bool Uint(unsigned /*value*/) { return false; }
  bool Int64(std::int64_t /*value*/) { return false; }
  bool Uint64(std::uint64_t /*value*/) { return false; }
  bool Double(double /*value*/) { return false; }

  // Why the last call returned false; null: `next` did.
  const char* reason() const { return reason_; }

 private:
  bool Enter() { return ++depth_ <= kMaxJsonDepth || Refuse("Nested too deeply."); }
  // The reader has looked at the bytes, but not at what "\udc00" becomes.
  bool CheckText(const char* text, rj::SizeType length) {
    return !FirstInvalidUtf8({text, length}) || Refuse("The surrogate pair in string is invalid.");
  }
  bool Refuse(const char* reason) {
    reason_ = reason;
    return false;
  }

  Next* next_;
  std::size_t depth_ = 0;
  const char* reason_ = nullptr;
};

template <typename Next>
Problem Parse(std::string_view text, Next* next) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return Is("is no JSON object");
  // RapidJSON would take it for the end.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return Is(fmt::format("not valid JSON at byte {}: NUL.", nul));
  }
  ThrowingAllocator allocator;
  rj::GenericReader<rj::UTF8<>, rj::UTF8<>, ThrowingAllocator> reader(&allocator);
  rj::MemoryStream stream(text.data(), text.size());
  StrictHandler<Next> handler(next);
  const rj::ParseResult result = reader.template Parse<kStrictJson>(stream, handler);
  if (result) return {};
  const char* const reason = handler.reason() != nullptr ? handler.reason() : GetParseError_En(result.Code());
  return Is(fmt::format("not valid JSON at byte {}: {}", result.Offset(), reason));
}

std::string_view TextOf(const Json& json) {
  return {json.GetString(), json.GetStringLength()};
}

template <typename Integer>
std::optional<Integer> IntegerIn(const Json& json) {
  const auto in_range = [](auto number) {
    return std::in_range<Integer>(number) ? std::optional(static_cast<Integer>(number)) : std::nullopt;
  };
  if (json.IsString()) return NumberIn<Integer>(TextOf(json));
  if (json.IsInt64()) return in_range(json.GetInt64());
  if (json.IsUint64()) return in_range(json.GetUint64());
  if (!json.IsDouble()) return std::nullopt;
  // 1e3 is a whole number, too. The limits as doubles: the upper one is the first that is too large.
  const double number = json.GetDouble();
  const double end = std::ldexp(1.0, std::numeric_limits<Integer>::digits);
  const bool fits = std::trunc(number) == number && number < end && number >= (std::is_signed_v<Integer> ? -end : 0);
  return fits ? std::optional(static_cast<Integer>(number)) : std::nullopt;
}

std::optional<double> DoubleIn(const Json& json) {
  if (json.IsNumber()) return json.GetDouble();
  if (!json.IsString()) return std::nullopt;
  const std::string_view text = TextOf(json);
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return ReadDouble(text);
}

std::optional<float> FloatIn(const Json& json) {
  const auto number = DoubleIn(json);
  if (!number) return std::nullopt;
  const bool too_large = std::isfinite(*number) && std::abs(*number) > std::numeric_limits<float>::max();
  return too_large ? std::nullopt : std::optional(static_cast<float>(*number));
}

std::optional<bool> BoolIn(const Json& json) {
  return json.IsBool() ? std::optional(json.GetBool()) : std::nullopt;
}

std::optional<std::string> StringIn(const Json& json) {
  return json.IsString() ? std::optional<std::string>(TextOf(json)) : std::nullopt;
}

std::optional<std::string> BytesIn(const Json& json) {
  std::string bytes;
  if (!json.IsString() || DecodeBase64Url(TextOf(json), &bytes)) return std::nullopt;
  return bytes;
}

std::optional<int> EnumIn(const Json& json, const FieldDescriptor& field) {
  if (!json.IsString()) return IntegerIn<int>(json);
  const auto* value = field.enum_type()->FindValueByName(std::string(TextOf(json)));
  return value == nullptr ? std::nullopt : std::optional(value->number());
}

// Where a value goes: the field, or a new element of its list.
struct Place {
  Message* message;
  const FieldDescriptor* field;

  template <typename T>
  using Put = void (Reflection::*)(Message*, const FieldDescriptor*, T) const;

  template <typename T>
  Problem Write(std::optional<T> value, std::string_view kind, Put<T> set, Put<T> add) const {
    if (!value) return Is(fmt::format("is no {}", kind));
    (message->GetReflection()->*(field->is_repeated() ? add : set))(message, field, *std::move(value));
    return {};
  }
  Message* WriteMessage() const {
    const Reflection& reflection = *message->GetReflection();
    return field->is_repeated() ? reflection.AddMessage(message, field) : reflection.MutableMessage(message, field);
  }
};

// The depth of the JSON has been looked at.
Problem ReadMessage(const Json& json, Message* to);
void ReadValue(const Json& json, wire::Value* to);

void ReadStruct(const Json& json, wire::Struct* to) {
  std::map<std::string_view, wire::Value*> values;
  for (const auto& member : json.GetObject()) {
    const std::string_view name = TextOf(member.name);
    wire::Value*& value = values[name];
    if (value == nullptr) value = AddEntry(name, to->mutable_fields());
    value->Clear();
    ReadValue(member.value, value);
  }
}

void ReadValue(const Json& json, wire::Value* to) {
  if (json.IsNull()) return to->set_null_value(wire::NULL_VALUE);
  if (json.IsBool()) return to->set_bool_value(json.GetBool());
  if (json.IsNumber()) return to->set_number_value(json.GetDouble());
  if (json.IsString()) return to->set_string_value(json.GetString(), json.GetStringLength());
  if (json.IsObject()) return ReadStruct(json, to->mutable_struct_value());
  wire::ListValue* list = to->mutable_list_value();
  for (const Json& element : json.GetArray()) ReadValue(element, list->add_values());
}

Problem ReadDate(const Json& json, google::protobuf::Timestamp* to) {
  const auto time = json.IsString() ? ReadRfc3339(TextOf(json)) : std::nullopt;
  const bool fits = time && *time != WallTime::max();  // which stands for all that is later
  if (!fits) return Is("is no date from 1970 to 2261 as RFC 3339 has it");
  const auto whole = std::chrono::floor<std::chrono::seconds>(*time);
  to->set_seconds(whole.time_since_epoch().count());
  to->set_nanos(static_cast<std::int32_t>((*time - whole).count()));
  return {};
}

Problem ReadElement(const Json& json, const Place& to) {
  switch (to.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return to.Write(IntegerIn<std::int32_t>(json), "32-bit number", &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_UINT32:
      return to.Write(IntegerIn<std::uint32_t>(json), "32-bit number from 0 on", &Reflection::SetUInt32,
                      &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return to.Write(IntegerIn<std::int64_t>(json), "64-bit number", &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT64:
      return to.Write(IntegerIn<std::uint64_t>(json), "64-bit number from 0 on", &Reflection::SetUInt64,
                      &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return to.Write(FloatIn(json), "number that a float holds", &Reflection::SetFloat, &Reflection::AddFloat);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return to.Write(DoubleIn(json), "number", &Reflection::SetDouble, &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_BOOL:
      return to.Write(BoolIn(json), "true or false", &Reflection::SetBool, &Reflection::AddBool);
    case FieldDescriptor::CPPTYPE_ENUM:
      return to.Write(EnumIn(json, *to.field), SchemaName(*to.field->enum_type()), &Reflection::SetEnumValue,
                      &Reflection::AddEnumValue);
    case FieldDescriptor::CPPTYPE_STRING:
      if (IsText(*to.field)) {
        return to.Write(StringIn(json), "text", &Reflection::SetString, &Reflection::AddString);
      }
      return to.Write(BytesIn(json), "base64", &Reflection::SetString, &Reflection::AddString);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ReadMessage(json, to.WriteMessage());
  }
  return {};
}

Problem ReadField(const Json& json, const Place& to) {
  if (!to.field->is_repeated()) return ReadElement(json, to);
  if (!json.IsArray()) return Is("is no list");
  for (rj::SizeType i = 0; i < json.Size(); ++i) {
    if (Problem problem = ReadElement(json[i], to)) return At("", i, std::move(problem));
  }
  return {};
}

// Whether the field, or another one that it excludes, has been read.
Problem CheckFree(const FieldDescriptor& field, const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  const auto* oneof = field.real_containing_oneof();
  const auto* other = oneof == nullptr ? nullptr : reflection.GetOneofFieldDescriptor(message, oneof);
  if (other != nullptr && other != &field)
    return Is(fmt::format("cannot be there together with {}", SchemaName(*other)));
  const bool is_set =
      field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
  return is_set ? Is("is there twice") : Problem();
}

// Of a name that may be anything.
std::string Printable(std::string_view name) {
  constexpr std::size_t kMost = 60;
  std::string text(name.substr(0, kMost));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c > '~' || c == '"'; }, '?');
  return name.size() > kMost ? text + "..." : text;
}

Problem ReadMembers(const Json& json, Message* to) {
  if (!json.IsObject()) return Is("is no object");
  for (const auto& member : json.GetObject()) {
    const std::string name(TextOf(member.name));
    const auto* field = to->GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) field = to->GetDescriptor()->FindFieldByCamelcaseName(name);
    if (field == nullptr) {
      return Is(fmt::format("{} has no field \"{}\"", SchemaName(*to->GetDescriptor()), Printable(name)));
    }
    if (member.value.IsNull()) continue;
    Problem problem = CheckFree(*field, *to);
    if (!problem) problem = ReadField(member.value, {to, field});
    if (problem) return At(name, std::move(problem));
  }
  return {};
}

Problem ReadMessage(const Json& json, Message* to) {
  if (auto* time = MessageAs<google::protobuf::Timestamp>(to)) return ReadDate(json, time);
  if (auto* object = MessageAs<wire::Struct>(to)) {
    if (!json.IsObject()) return Is("is no object");
    ReadStruct(json, object);
    return {};
  }
  return ReadMembers(json, to);
}

}  // namespace

Problem CheckJsonObject(std::string_view text) {
  rj::BaseReaderHandler<> nobody;
  return Parse(text, &nobody);
}

Problem ReadJsonObject(std::string_view text, Message* to) {
  JsonDocument document;
  Problem problem;
  const auto parse = [&](JsonDocument& into) {
    problem = Parse(text, &into);
    return !problem;
  };
  document.Populate(parse);
  return problem ? problem : ReadMessage(document, to);
}

}  // namespace warppool::internal
