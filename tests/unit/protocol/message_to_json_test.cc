#include "protocol/message_to_json.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/wrappers.pb.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "catch.h"
#include "protocol/json_to_message.h"
#include "protocol/map_entry.h"
#include "string_schema.h"
#include "warppool/wire/response.pb.h"
#include "wire_text.h"

namespace warppool::internal {
namespace {

using google::protobuf::Duration;
using google::protobuf::Timestamp;

template <typename Message>
std::string JsonOf(const std::string& text) {
  Message message;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return ToJson(message);
}

// What protobuf itself writes of a message whose texts are strings.
std::string ProtobufJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  StringSchema schema;
  REQUIRE(google::protobuf::util::MessageToJsonString(*schema.Copy(message), &json, options).ok());
  return json;
}

constexpr char kMessage[] = R"(
    id: "m-1"
    timestamp { seconds: 1767319445 nanos: 5000 }
    tool_call {
      tool_call_id: "c"
      write_to_long_running_shell_command { input: "\377\376\001a" mode { line {} } command_id: "" }
    }
    citations { document_id: "a" } citations {}
)";

TEST_CASE("messages are written as protobuf writes them") {
  wire::Message message;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(kMessage, &message));
  CHECK(ToJson(message) == ProtobufJson(message));
  message.mutable_agent_reasoning()->mutable_finished_duration()->set_seconds(-3);
  message.mutable_agent_reasoning()->mutable_finished_duration()->set_nanos(-250'000'000);
  CHECK(ToJson(message) == ProtobufJson(message));
  CHECK(ToJson(wire::Message()) == "{}");
}

TEST_CASE("fields of every type are written") {
  // It has a field of each of the less usual types.
  CHECK(JsonOf<google::protobuf::UninterpretedOption>(R"(
          name { name_part: "a" is_extension: false }
          identifier_value: "gr\303\274n \n" positive_int_value: 18446744073709551615
          negative_int_value: -9223372036854775808 double_value: 1e300 string_value: "\377\377\376\001"
        )") == R"({"name":[{"name_part":"a","is_extension":false}],"identifier_value":"grün \n",)"
               R"("positive_int_value":"18446744073709551615","negative_int_value":"-9223372036854775808",)"
               R"("double_value":1e300,"string_value":"///+AQ=="})");
  CHECK(JsonOf<google::protobuf::FieldDescriptorProto>("number: -7 type: TYPE_BYTES") ==
        R"({"number":-7,"type":"TYPE_BYTES"})");
  CHECK(JsonOf<google::protobuf::UInt32Value>("value: 4294967295") == R"({"value":4294967295})");
  wire::Message::ToolCall call;
  call.mutable_run_shell_command()->set_risk_category(static_cast<wire::RiskCategory>(99));  // of a later version
  CHECK(ToJson(call) == R"({"run_shell_command":{"risk_category":99}})");
}

TEST_CASE("numbers are as short as they can be read back, and whole ones look whole") {
  const auto number = [](double value) {
    google::protobuf::DoubleValue message;
    message.set_value(value);
    return ToJson(message);
  };
  using Limits = std::numeric_limits<double>;
  CHECK(number(3) == R"({"value":3})");
  CHECK(number(-0.5) == R"({"value":-0.5})");
  CHECK(number(9007199254740992.0) == R"({"value":9007199254740992})");
  CHECK(number(-1e18) == R"({"value":-1000000000000000000})");
  CHECK(number(9223372036854775808.0) == R"({"value":9223372036854776000.0})");
  CHECK(number(Limits::quiet_NaN()) == R"({"value":"NaN"})");
  CHECK(number(Limits::infinity()) == R"({"value":"Infinity"})");
  CHECK(number(-Limits::infinity()) == R"({"value":"-Infinity"})");
  CHECK(JsonOf<google::protobuf::FloatValue>("value: 0.1") == R"({"value":0.1})");
  CHECK(JsonOf<google::protobuf::FloatValue>("value: 1e-45") == R"({"value":1e-45})");
}

TEST_CASE("dates and durations are texts, as far as they are some") {
  const auto date = [](std::int64_t seconds, std::int32_t nanos) {
    Timestamp time;
    time.set_seconds(seconds);
    time.set_nanos(nanos);
    return ToJson(time);
  };
  CHECK(date(0, 0) == R"("1970-01-01T00:00:00Z")");
  CHECK(date(-1, 500'000'000) == R"("1969-12-31T23:59:59.500Z")");
  CHECK(date(1, 1'000) == R"("1970-01-01T00:00:01.000001Z")");
  CHECK(date(1, 1) == R"("1970-01-01T00:00:01.000000001Z")");
  CHECK(date(-62'135'596'800, 0) == R"("0001-01-01T00:00:00Z")");
  CHECK(date(253'402'300'799, 999'999'999) == R"("9999-12-31T23:59:59.999999999Z")");
  CHECK(date(-62'135'596'801, 0) == R"({"seconds":"-62135596801"})");
  CHECK(date(253'402'300'800, 0) == R"({"seconds":"253402300800"})");
  CHECK(date(0, -1) == R"({"nanos":-1})");
  CHECK(date(0, 1'000'000'000) == R"({"nanos":1000000000})");

  const auto duration = [](std::int64_t seconds, std::int32_t nanos) {
    Duration time;
    time.set_seconds(seconds);
    time.set_nanos(nanos);
    return ToJson(time);
  };
  CHECK(duration(0, 0) == R"("0s")");
  CHECK(duration(0, -500'000'000) == R"("-0.500s")");
  CHECK(duration(-315'576'000'000, -999'999'999) == R"("-315576000000.999999999s")");
  CHECK(duration(315'576'000'001, 0) == R"({"seconds":"315576000001"})");
  CHECK(duration(1, -1) == R"({"seconds":"1","nanos":-1})");
  CHECK(duration(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int32_t>::min()) ==
        R"({"seconds":"-9223372036854775808","nanos":-2147483648})");
}

TEST_CASE("a Struct comes out as the JSON that went in") {
  const std::string json = R"({"z":null,"a":[1,-2.5,[],{}],"t":true,"o":{"":"","grün":"\"\n"}})";
  wire::Struct object;
  REQUIRE_FALSE(ReadJsonObject(json, &object));
  CHECK(ToJson(object) == json);

  // protobuf takes it for the same.
  google::protobuf::Struct ours;
  REQUIRE(ours.ParseFromString(object.SerializeAsString()));
  google::protobuf::Struct theirs;
  REQUIRE(google::protobuf::util::JsonStringToMessage(json, &theirs).ok());
  CHECK(google::protobuf::util::MessageDifferencer::Equals(ours, theirs));
}

TEST_CASE("a Struct that JSON cannot hold is none") {
  wire::Struct object;
  AddEntry("a", object.mutable_fields())->set_string_value("text");
  auto* value = AddEntry("b", object.mutable_fields())->mutable_list_value()->add_values();  // of no kind
  CHECK(ToJson(object).empty());
  using Limits = std::numeric_limits<double>;
  for (const double number : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    value->set_number_value(number);
    CHECK(ToJson(object).empty());
  }
  value->set_number_value(0.1);
  CHECK(ToJson(object) == R"({"a":"text","b":[0.1]})");
}

TEST_CASE("numbers come back from JSON as they were") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) continue;
    wire::Struct object;
    AddEntry("n", object.mutable_fields())->set_number_value(number);
    wire::Struct read;
    REQUIRE_FALSE(ReadJsonObject(ToJson(object), &read));
    if (read.fields(0).value().number_value() != number) FAIL(ToJson(object));
  }
}

TEST_CASE("of two entries with one key the last one counts, and an entry may have no key and no value") {
  wire::ResponseEvent::StreamFinished::ConversationUsageMetadata usage;
  AddEntry("a", usage.mutable_warp_token_usage())->set_model_id("first");
  AddEntry("b", usage.mutable_warp_token_usage())->set_total_tokens(7);
  AddEntry("a", usage.mutable_warp_token_usage())->set_model_id("second");
  usage.add_byok_token_usage();
  auto* categories = AddEntry("c", usage.mutable_custom_endpoint_token_usage())->mutable_token_usage_by_category();
  categories->Add()->set_key("x");
  CHECK(ToJson(usage) == R"({"warp_token_usage":{"b":{"total_tokens":7},"a":{"model_id":"second"}},)"
                         R"("byok_token_usage":{"":{}},)"
                         R"("custom_endpoint_token_usage":{"c":{"token_usage_by_category":{"x":0}}}})");
}

}  // namespace
}  // namespace warppool::internal
