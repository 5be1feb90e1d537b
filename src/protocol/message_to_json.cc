#include "protocol/message_to_json.h"

#include <fmt/format.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/base64url.h"
#include "base/json_writer.h"
#include "base/rfc3339.h"
#include "platform/read_double.h"
#include "protocol/map_entry.h"
#include "protocol/protobuf_version.h"
#include "protocol/text_fields.h"
#include "warppool/wire/struct.pb.h"

namespace warppool::internal {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kSingular = -1;

// None, three, six or nine digits.
std::string Fraction(std::int32_t nanos) {
  if (nanos == 0) return {};
  std::string digits = fmt::format(".{:09}", nanos);
  while (digits.compare(digits.size() - 3, 3, "000") == 0) digits.resize(digits.size() - 3);
  return digits;
}

// Empty: no date in the years 1 to 9999.
std::string DateText(const google::protobuf::Timestamp& time) {
  constexpr std::int64_t kYear1 = -62'135'596'800;
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  const bool is_date =
      kYear1 <= time.seconds() && time.seconds() < kYear10000 && 0 <= time.nanos() && time.nanos() < 1'000'000'000;
  if (!is_date) return {};
  std::string text = WriteRfc3339(std::chrono::sys_seconds(std::chrono::seconds(time.seconds())));
  text.insert(text.size() - 1, Fraction(time.nanos()));
  return text;
}

// Empty: seconds and nanoseconds that do not go together, or more than 10,000 years.
std::string DurationText(const google::protobuf::Duration& duration) {
  constexpr std::int64_t kMost = 315'576'000'000;
  constexpr std::int32_t kSecond = 1'000'000'000;
  const std::int64_t seconds = duration.seconds();
  const std::int32_t nanos = duration.nanos();
  if (seconds < -kMost || seconds > kMost || nanos <= -kSecond || nanos >= kSecond) return {};
  if ((seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0)) return {};
  const bool is_negative = seconds < 0 || nanos < 0;
  return fmt::format("{}{}{}s", is_negative ? "-" : "", std::abs(seconds), Fraction(std::abs(nanos)));
}

std::string Base64(std::string_view bytes) {
  std::string text = EncodeBase64Url(bytes);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  return text;
}

// The double that is written as the float is.
double Widened(float number) {
  return ReadDouble(fmt::format("{}", number)).value_or(number);
}

class MessageWriter {
 public:
  explicit MessageWriter(JsonWriter* json) : json_(json) {}

  // Whether all that was written can be said in JSON.
  bool has_json() const { return has_json_; }

  void Write(const Message& message) {
    if (const auto* value = MessageAs<wire::Value>(message)) return WriteValue(*value);
    if (const auto* list = MessageAs<wire::ListValue>(message)) return WriteList(*list);
    if (MessageAs<wire::Struct>(message) != nullptr) {
      return WriteMap(message, *wire::Struct::descriptor()->FindFieldByNumber(wire::Struct::kFieldsFieldNumber));
    }
    if (const std::string text = TimeText(message); !text.empty()) return json_->String(text);
    json_->Object([&] { WriteFields(message); });
  }

 private:
  static std::string TimeText(const Message& message) {
    if (const auto* time = MessageAs<google::protobuf::Timestamp>(message)) return DateText(*time);
    if (const auto* time = MessageAs<google::protobuf::Duration>(message)) return DurationText(*time);
    return {};
  }

  void WriteValue(const wire::Value& value) {
    switch (value.kind_case()) {
      case wire::Value::kNumberValue:
        has_json_ = has_json_ && std::isfinite(value.number_value());
        return WriteNumber(value.number_value());
      case wire::Value::kStringValue:
        return json_->String(value.string_value());
      case wire::Value::kBoolValue:
        return json_->Bool(value.bool_value());
      case wire::Value::kStructValue:
        return Write(value.struct_value());
      case wire::Value::kListValue:
        return WriteList(value.list_value());
      case wire::Value::KIND_NOT_SET:
        has_json_ = false;
        return json_->Null();
      case wire::Value::kNullValue:
        return json_->Null();
    }
  }

  void WriteList(const wire::ListValue& list) {
    json_->Array([&] {
      for (const wire::Value& value : list.values()) WriteValue(value);
    });
  }

  void WriteFields(const Message& message) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      json_->Key(SchemaName(*field));
      if (IsMap(*field)) {
        WriteMap(message, *field);
      } else if (field->is_repeated()) {
        json_->Array([&] {
          const int size = message.GetReflection()->FieldSize(message, field);
          for (int i = 0; i < size; ++i) WriteField(message, *field, i);
        });
      } else {
        WriteField(message, *field, kSingular);
      }
    }
  }

  // Of two entries with one key the last one counts.
  void WriteMap(const Message& message, const FieldDescriptor& map) {
    const Reflection& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &map);
    std::unordered_map<std::string, int> last;
    const auto key_of = [&](const Message& entry) { return entry.GetReflection()->GetString(entry, &KeyOf(map)); };
    for (int i = 0; i < size; ++i) last[key_of(reflection.GetRepeatedMessage(message, &map, i))] = i;
    json_->Object([&] {
      for (int i = 0; i < size; ++i) {
        const Message& entry = reflection.GetRepeatedMessage(message, &map, i);
        const std::string key = key_of(entry);
        if (last[key] != i) continue;
        json_->Key(key);
        WriteField(entry, ValueOf(map), kSingular);
      }
    });
  }

  // `index` counts in a list.
  void WriteField(const Message& message, const FieldDescriptor& field, int index) {
    const Reflection& reflection = *message.GetReflection();
    const auto get = [&](auto singular, auto of_list) -> decltype(auto) {
      return index == kSingular ? (reflection.*singular)(message, &field)
                                : (reflection.*of_list)(message, &field, index);
    };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return json_->Number(get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
      case FieldDescriptor::CPPTYPE_UINT32:
        return json_->Number(std::uint64_t{get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32)});
      case FieldDescriptor::CPPTYPE_INT64:
        return json_->String(std::to_string(get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64)));
      case FieldDescriptor::CPPTYPE_UINT64:
        return json_->String(std::to_string(get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64)));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return WriteNumber(Widened(get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat)));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return WriteNumber(get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
      case FieldDescriptor::CPPTYPE_BOOL:
        return json_->Bool(get(&Reflection::GetBool, &Reflection::GetRepeatedBool));
      case FieldDescriptor::CPPTYPE_ENUM:
        return WriteEnum(field, get(&Reflection::GetEnumValue, &Reflection::GetRepeatedEnumValue));
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        const std::string& text = index == kSingular
                                      ? reflection.GetStringReference(message, &field, &scratch)
                                      : reflection.GetRepeatedStringReference(message, &field, index, &scratch);
        if (IsText(field)) return json_->String(text);  // without a copy: it may be large
        return json_->String(Base64(text));
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Write(index == kSingular ? reflection.GetMessage(message, &field)
                                        : reflection.GetRepeatedMessage(message, &field, index));
    }
  }

  void WriteEnum(const FieldDescriptor& field, int number) {
    const auto* value = field.enum_type()->FindValueByNumber(number);
    value == nullptr ? json_->Number(number) : json_->String(SchemaName(*value));
  }

  void WriteNumber(double number) {
    constexpr double kEnd = 9223372036854775808.0;  // of what an int64_t holds
    if (std::isnan(number)) return json_->String("NaN");
    if (std::isinf(number)) return json_->String(number > 0 ? "Infinity" : "-Infinity");
    // Whoever reads 3.0 takes it for a fraction, and refuses it where he counts.
    if (std::trunc(number) == number && std::abs(number) < kEnd) {
      return json_->Number(static_cast<std::int64_t>(number));
    }
    json_->Number(number);
  }

  JsonWriter* json_;
  bool has_json_ = true;
};

}  // namespace

std::string ToJson(const Message& message) {
  JsonWriter json;
  MessageWriter writer(&json);
  writer.Write(message);
  return writer.has_json() ? std::move(json).Take() : std::string();
}

}  // namespace warppool::internal
