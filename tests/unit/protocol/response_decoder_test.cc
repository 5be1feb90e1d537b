#include "protocol/response_decoder.h"
#include "protocol/finish_status.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64url.h"
#include "catch.h"
#include "unit/stderr_of.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;

wire::ResponseEvent Init(const std::string& conversation = "c1") {
  wire::ResponseEvent event;
  event.mutable_init()->set_conversation_id(conversation);
  event.mutable_init()->set_request_id("r1");
  return event;
}

// Both steps at once; null for "[DONE]".
class Decoder {
 public:
  Result<wire::ResponseEvent*> Decode(std::string_view data) {
    const auto bytes = decoder_.Unwrap(data);
    if (!bytes) return bytes.status();
    if (!*bytes) return static_cast<wire::ResponseEvent*>(nullptr);
    return decoder_.Parse(**bytes);
  }

 private:
  ResponseDecoder decoder_{EventLimits{100}};
};

std::string Encoded(const wire::ResponseEvent& event) {
  return EncodeBase64Url(event.SerializeAsString());
}

// The error of an event that does not decode.
std::string Error(std::string_view data) {
  Decoder decoder;
  const auto event = decoder.Decode(data);
  INFO(data);
  REQUIRE_FALSE(event.ok());
  CHECK(event.code() == Code::kUndecodableEvent);
  return event.status().message();
}

TEST_CASE("an event is decoded, with quotes around it or without") {
  const std::string text = Encoded(Init());
  const auto data = GENERATE_COPY(as<std::string>(), text, "\"" + text + "\"", " " + text + "\n", "\" " + text + " \"",
                                  "\t\"" + text + "\"\n");
  Decoder decoder;
  const auto event = decoder.Decode(data);
  REQUIRE(event.ok());
  REQUIRE(*event != nullptr);
  CHECK((*event)->init().conversation_id() == "c1");
  CHECK((*event)->init().request_id() == "r1");
}

TEST_CASE("both alphabets are understood, padded or not") {
  const std::string id(50, '\x7F');  // a text with characters in which the alphabets differ
  std::string text = Encoded(Init(id + "?>?>"));
  REQUIRE(text.find_first_of("-_") != std::string::npos);
  SECTION("URL-safe") {}
  SECTION("standard") {
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
  }
  SECTION("without padding") {
    text.resize(std::min(text.size(), text.find('=')));
  }
  Decoder decoder;
  const auto event = decoder.Decode(text);
  REQUIRE(event.ok());
  CHECK((*event)->init().conversation_id() == id + "?>?>");
}

TEST_CASE("[DONE] says nothing") {
  Decoder decoder;
  for (const char* data : {"[DONE]", " [DONE]\n", "\"[DONE]\""}) {
    const auto event = decoder.Decode(data);
    REQUIRE(event.ok());
    CHECK(*event == nullptr);
  }
}

TEST_CASE("what is no base64 fails, and the error says where") {
  CHECK(Error("AAA*") == "not base64url at character 3 of 4");
  CHECK(Error("\"A!AA\"") == "not base64url at character 1 of 4");
  CHECK(Error("AAAAA") == "not base64url at character 4 of 5");
  CHECK_THAT(Error("{\"error\":1}"), ContainsSubstring("not base64url at character 0"));
  CHECK_THAT(Error("[DONE"), ContainsSubstring("character 0"));
  CHECK_THAT(Error("AA\"AA"), ContainsSubstring("character 2"));
}

TEST_CASE("an empty event fails") {
  for (const char* data : {"", "\"\"", " \n"}) CHECK(Error(data) == "the event is empty");
}

TEST_CASE("what is base64, but no message, fails and prints nothing") {
  std::string messages;
  const std::string printed = StderrOf([&] {
    for (const std::string bytes :
         {"\xFF\xFF\xFF", "\x0A\x05", "\x07", "\x0A\x03\x0A\x05", "\x0A\xFF\xFF\xFF\xFF\x07"}) {
      Decoder decoder;
      const auto event = decoder.Decode(EncodeBase64Url(bytes));
      messages += event.ok() ? "decoded " : event.status().message() + " ";
    }
  });
  CHECK(printed.empty());
  CHECK_THAT(messages, !ContainsSubstring("decoded") && ContainsSubstring("3 bytes that are no ResponseEvent"));
}

TEST_CASE("what is printed would be seen") {
  CHECK(StderrOf([] { std::fputs("printed", stderr); }) == "printed");
}

TEST_CASE("a text that is not UTF-8 fails with its place, and prints nothing") {
  // ResponseEvent{init{conversation_id: "\xFF\xFE"}}
  const std::string bytes = "\x0A\x04\x0A\x02\xFF\xFE";
  std::string message = "decoded";
  const std::string printed = StderrOf([&] {
    Decoder decoder;
    const auto event = decoder.Decode(EncodeBase64Url(bytes));
    if (!event.ok()) message = event.status().message();
  });
  CHECK(printed.empty());
  CHECK(message == "init.conversation_id: not UTF-8 at byte 0");
}

TEST_CASE("whatever happened to an event, nothing is printed") {
  wire::ResponseEvent event = Init("gr\xC3\xBC\xC3\x9F");
  auto* action = event.mutable_client_actions()->add_actions();
  action->mutable_append_to_message_content()->mutable_mask()->add_paths("gr\xC3\xBC\xC3\x9F");
  action->mutable_append_to_message_content()->mutable_message()->mutable_timestamp()->set_nanos(5);
  const std::string bytes = event.SerializeAsString();
  int refused = 0;
  const std::string printed = StderrOf([&] {
    ResponseDecoder decoder(EventLimits{100});
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (!decoder.Parse(bytes.substr(0, i)).ok()) ++refused;
      for (int bit = 0; bit < 8; ++bit) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
        if (!decoder.Parse(changed).ok()) ++refused;
      }
    }
  });
  CHECK(printed.empty());
  CHECK(refused > 100);
}

TEST_CASE("one decoder decodes many events, and a failure in between does no harm") {
  Decoder decoder;
  for (int i = 0; i < 100; ++i) {
    const std::string id(static_cast<std::size_t>(i) * 1000, 'x');  // some beyond the arena's first block
    const auto event = decoder.Decode(Encoded(Init(id)));
    REQUIRE(event.ok());
    REQUIRE(((*event)->init().conversation_id() == id));
    REQUIRE_FALSE(decoder.Decode("****").ok());
  }
}

TEST_CASE("fields that the schema does not know survive") {
  wire::ResponseEvent event;
  auto* message = event.mutable_client_actions()->add_actions()->mutable_add_messages_to_task()->add_messages();
  message->set_id("m1");
  message->GetReflection()->MutableUnknownFields(message)->AddLengthDelimited(2000, "from the future");
  event.GetReflection()->MutableUnknownFields(&event)->AddVarint(3000, 7);
  const std::string bytes = event.SerializeAsString();
  Decoder decoder;
  const auto decoded = decoder.Decode(EncodeBase64Url(bytes));
  REQUIRE(decoded.ok());
  CHECK((*decoded)->SerializeAsString() == bytes);
}

TEST_CASE("each way to finish has its reason and its status") {
  using wire_finished = wire::ResponseEvent::StreamFinished;
  struct Row {
    void (*set)(wire_finished*);
    FinishReason reason;
    Code code;
    const char* message;
  };
  const auto row = GENERATE(values<Row>({
      {[](wire_finished*) {}, FinishReason::kDone, Code::kOk, ""},
      {[](wire_finished* f) { f->mutable_done(); }, FinishReason::kDone, Code::kOk, ""},
      {[](wire_finished* f) { f->mutable_quota_limit(); }, FinishReason::kQuotaLimit, Code::kQuotaExhausted, ""},
      {[](wire_finished* f) { f->mutable_max_token_limit(); }, FinishReason::kMaxTokenLimit, Code::kMaxTokenLimit, ""},
      {[](wire_finished* f) { f->mutable_context_window_exceeded(); }, FinishReason::kContextWindowExceeded,
       Code::kContextWindowExceeded, ""},
      {[](wire_finished* f) { f->mutable_llm_unavailable(); }, FinishReason::kModelUnavailable, Code::kModelUnavailable,
       ""},
      {[](wire_finished* f) { f->mutable_internal_error()->set_message("it broke"); }, FinishReason::kInternalError,
       Code::kAgentError, "it broke"},
      {[](wire_finished* f) { f->mutable_invalid_api_key()->set_model_name("fake-model"); },
       FinishReason::kInvalidModelKey, Code::kInvalidModelKey, "fake-model"},
      {[](wire_finished* f) { f->mutable_other(); }, FinishReason::kOther, Code::kFinishedOther, ""},
      // A reason that came after this schema: seen only by the field that it leaves behind.
      {[](wire_finished* f) { f->GetReflection()->MutableUnknownFields(f)->AddLengthDelimited(99, ""); },
       FinishReason::kUnknown, Code::kFinishedUnknown, ""},
      // An unknown field beside a known reason changes nothing.
      {[](wire_finished* f) {
         f->mutable_done();
         f->GetReflection()->MutableUnknownFields(f)->AddVarint(99, 1);
       },
       FinishReason::kDone, Code::kOk, ""},
      {[](wire_finished* f) {
         f->set_should_refresh_model_config(true);
         f->add_token_usage()->set_output(1);
       },
       FinishReason::kDone, Code::kOk, ""},
  }));
  wire::ResponseEvent event;
  row.set(event.mutable_finished());
  Decoder decoder;
  const auto decoded = decoder.Decode(Encoded(event));
  REQUIRE(decoded.ok());
  REQUIRE((*decoded)->has_finished());
  const Finished finished = ReadFinished((*decoded)->finished());
  CHECK(finished.reason == row.reason);
  CHECK(finished.message == row.message);
  const Status status = StatusOf(finished);
  CHECK(status.code() == row.code);
  CHECK_THAT(status.message(), ContainsSubstring(row.message));
  CHECK(status.retryable() == (row.code == Code::kModelUnavailable));
}

TEST_CASE("usage is summed over the models") {
  wire::ResponseEvent::StreamFinished finished;
  for (const unsigned model : {1U, 10U}) {
    auto* usage = finished.add_token_usage();
    usage->set_total_input(4'000'000'000U + model);
    usage->set_output(2 * model);
    usage->set_input_cache_read(3 * model);
    usage->set_input_cache_write(4 * model);
    usage->set_cost_in_cents(0.5F * static_cast<float>(model));
  }
  finished.mutable_request_cost()->set_exact(1.25F);
  finished.mutable_conversation_usage_metadata()->set_context_window_usage(0.75F);
  const Usage usage = ReadFinished(finished).usage;
  CHECK(usage.input_tokens == 8'000'000'011U);
  CHECK(usage.output_tokens == 22);
  CHECK(usage.cache_read_tokens == 33);
  CHECK(usage.cache_write_tokens == 44);
  CHECK(usage.cost_in_cents == 5.5);
  CHECK(usage.credits == 1.25);
  CHECK(usage.context_window_usage == 0.75);
}

TEST_CASE("messages beyond the limit of an event are refused before any of them is made") {
  wire::ResponseEvent event;
  auto* add = event.mutable_client_actions()->add_actions()->mutable_add_messages_to_task();
  for (int i = 0; i < 10; ++i) add->add_messages();
  const std::string bytes = event.SerializeAsString();
  CHECK(ResponseDecoder(EventLimits{100, 14}).Check(bytes).ok());
  const Status refused = ResponseDecoder(EventLimits{100, 13}).Check(bytes);
  CHECK(refused.code() == Code::kLimitExceeded);
  CHECK_THAT(refused.message(), ContainsSubstring("max_event_messages (13)"));
}

TEST_CASE("an event that would take too much memory is refused, and names the limit") {
  wire::ResponseEvent event;
  auto* add = event.mutable_client_actions()->add_actions()->mutable_add_messages_to_task();
  for (int i = 0; i < 20'000; ++i) add->add_messages();
  const Status refused = ResponseDecoder(EventLimits{100}).Check(event.SerializeAsString());
  CHECK(refused.code() == Code::kLimitExceeded);
  CHECK_THAT(refused.message(), ContainsSubstring("max_event_memory (4194304)"));
  CHECK(ResponseDecoder(EventLimits{100, 100'000, 1U << 30U}).Check(event.SerializeAsString()).ok());
}

TEST_CASE("messages that lie too deep in one another are told from what is no message") {
  // A tool call whose arguments are lists in lists.
  wire::ResponseEvent event;
  auto* task = event.mutable_client_actions()->add_actions()->mutable_create_task()->mutable_task();
  auto* args = task->add_messages()->mutable_tool_call()->mutable_call_mcp_tool()->mutable_args();
  auto* value = args->add_fields()->mutable_value();
  for (int i = 0; i < 30; ++i) value = value->mutable_list_value()->add_values();
  value->set_bool_value(true);
  const std::string bytes = event.SerializeAsString();
  CHECK(ResponseDecoder(EventLimits{100}).Parse(bytes).ok());
  const auto refused = ResponseDecoder(EventLimits{50}).Parse(bytes);
  CHECK(refused.code() == Code::kLimitExceeded);
  CHECK_THAT(refused.status().message(), ContainsSubstring("max_nesting_depth (50)"));
  CHECK(ResponseDecoder(EventLimits{50}).Parse(bytes.substr(1)).code() == Code::kUndecodableEvent);
}

}  // namespace
}  // namespace warppool::internal
