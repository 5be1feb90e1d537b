// What one event of an answer takes in memory, whatever it holds: at most 4 times its bytes, and 4 MiB.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "amount.h"
#include "base/base64url.h"
#include "catch.h"
#include "client/event_queue.h"
#include "conversation/answer_reader.h"
#include "conversation/conversation_impl.h"
#include "http/sse_parser.h"
#include "protocol/response_decoder.h"
#include "unit/allocations.h"
#include "unit/conversation/actions.h"

namespace warppool::internal::event_cost_test {
namespace {

using wire::ClientAction;
using wire::Message;
using wire::ResponseEvent;

constexpr std::size_t kAllowance = 4U << 20U;

// A sanitizer takes a minute for events that are larger.
constexpr std::size_t kLargest = kSanitized ? 100'000 : 12'000'000;

std::string Length(std::size_t length) {
  std::string text;
  for (; length >= 0x80; length >>= 7U) text += static_cast<char>((length & 0x7FU) | 0x80U);
  return text + static_cast<char>(length);
}

// A field with a length, as protobuf writes it.
std::string Field(int number, std::string_view content) {
  return Length(static_cast<std::size_t>(number) << 3U | 2U) + Length(content.size()) + std::string(content);
}

std::string Many(std::size_t bytes, const std::function<std::string(std::size_t)>& part) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += part(i);
  return text;
}

std::string Many(std::size_t bytes, const std::string& part) {
  return Many(bytes, [&](std::size_t) { return part; });
}

std::string EventOf(const std::string& action) {
  return Field(2, Field(1, action));
}

// add_messages_to_task with what is written of it behind the task's id.
std::string Adding(const std::string& rest) {
  return EventOf(Field(3, Field(1, "t") + rest));
}

std::string AddingOne(const Message& message, std::string_view more = "") {
  return Adding(Field(2, message.SerializeAsString() + std::string(more)));
}

std::string AddingOne(const std::string& message) {
  return Adding(Field(2, message));
}

// A message whose field `number` holds `content`; its number is looked up by name.
int NumberOf(const google::protobuf::Descriptor& type, const char* name) {
  const auto* field = type.FindFieldByName(name);
  REQUIRE(field != nullptr);
  return field->number();
}

std::string ToolCall(const char* tool, const std::string& content) {
  return Field(NumberOf(*Message::descriptor(), "tool_call"),
               Field(NumberOf(*Message::ToolCall::descriptor(), tool), content));
}

struct Reading {
  Status status;
  std::ptrdiff_t peak = 0;
  std::size_t bytes = 0;  // as the event came
};

// Reads it as a client does, for a program that takes none of the events.
Reading Read(const std::string& event, EventLimits limits = {}) {
  Reading reading;
  const std::string data = EncodeBase64Url(event);
  reading.bytes = data.size();
  auto conversation = std::make_shared<ConversationImpl>();
  REQUIRE(conversation->Claim({}));
  const char* ignored = nullptr;
  ClientAction create = Create("t");
  REQUIRE(conversation
              ->Apply(
                  &create, [](const Event&) { return true; }, &ignored)
              .ok());
  ResponseDecoder decoder(limits);
  REQUIRE(decoder.Check("").ok());

  const std::ptrdiff_t before = LiveBytes();
  ForgetPeak();
  {
    EventQueue queue;
    AnswerReader reader(conversation, &decoder);
    const Emit emit([&](const Event& told) {
      queue.OnEvent(told);
      return true;
    });
    SseParser parser(std::size_t{1} << 30U);
    const auto take = [&](std::string_view chunk) {
      while (const auto line = parser.Next(&chunk)) {
        const auto kind = reader.Read(*line);
        if (!kind.ok()) reading.status = kind.status();
        while (reading.status.ok() && reader.has_more()) reading.status = reader.ApplyNext(emit, &ignored);
      }
    };
    take("data: ");
    constexpr std::size_t kChunk = 16U << 10U;
    for (std::size_t at = 0; at < data.size(); at += kChunk) take(std::string_view(data).substr(at, kChunk));
    take("\n\n");
    reading.peak = PeakBytes() - before;
  }
  return reading;
}

struct Shape {
  const char* name;
  std::function<std::string(std::size_t bytes)> make;
};

std::string Digits(std::size_t i) {
  return std::to_string(i);
}

// What costs most for each of its bytes.
const std::vector<Shape>& Extremes() {
  static const std::vector<Shape> shapes{
      {"empty actions", [](std::size_t n) { return Field(2, Many(n, Field(1, ""))); }},
      {"actions of an unknown kind", [](std::size_t n) { return Field(2, Many(n, Field(1, Field(200, "")))); }},
      {"transactions",
       [](std::size_t n) {
         const int begin = NumberOf(*ClientAction::descriptor(), "begin_transaction");
         const int commit = NumberOf(*ClientAction::descriptor(), "commit_transaction");
         return Field(2, Many(n, Field(1, Field(begin, "")) + Field(1, Field(commit, ""))));
       }},
      {"empty messages", [](std::size_t n) { return Adding(Many(n, Field(2, ""))); }},
      {"empty messages in a transaction",
       [](std::size_t n) {
         const int begin = NumberOf(*ClientAction::descriptor(), "begin_transaction");
         return Field(2, Field(1, Field(begin, "")) + Field(1, Field(3, Field(1, "t") + Many(n, Field(2, "")))));
       }},
      {"messages of one action each",
       [](std::size_t n) { return Field(2, Many(n, Field(1, Field(3, Field(1, "t") + Field(2, ""))))); }},
      {"messages with short ids",
       [](std::size_t n) { return Adding(Many(n, [](std::size_t i) { return Field(2, Field(1, Digits(i))); })); }},
      {"empty texts of the agent",
       [](std::size_t n) {
         return Adding(Many(n, Field(2, Field(NumberOf(*Message::descriptor(), "agent_output"), Field(1, "x")))));
       }},
      {"empty tool calls",
       [](std::size_t n) {
         return Adding(Many(n, Field(2, Field(NumberOf(*Message::descriptor(), "tool_call"), ""))));
       }},
      {"tasks",
       [](std::size_t n) {
         return Field(2, Many(n, [](std::size_t i) { return Field(1, Field(1, Field(1, Field(1, Digits(i))))); }));
       }},
      {"empty messages in a message", [](std::size_t n) { return AddingOne(Many(n, Field(8, ""))); }},
      {"empty messages deep in a message",
       [](std::size_t n) { return AddingOne(ToolCall("read_files", Many(n, Field(1, Field(2, ""))))); }},
      {"texts of one byte", [](std::size_t n) { return AddingOne(ToolCall("grep", Many(n, Field(1, "x")))); }},
      {"empty texts", [](std::size_t n) { return AddingOne(ToolCall("grep", Many(n, Field(1, "")))); }},
      {"entries of a map",
       [](std::size_t n) {
         return AddingOne(Field(NumberOf(*Message::descriptor(), "user_query"),
                                Many(n, [](std::size_t i) { return Field(3, Field(1, Digits(i))); })));
       }},
      {"values of a Struct",
       [](std::size_t n) {
         return AddingOne(ToolCall("call_mcp_tool", Field(2, Many(n, [](std::size_t i) {
                                                            return Field(1, Field(1, Digits(i)) +
                                                                                Field(2, std::string("\x20\x01", 2)));
                                                          }))));
       }},
      {"lists of values",
       [](std::size_t n) {
         return AddingOne(ToolCall(
             "call_mcp_tool",
             Field(2, Field(1, Field(1, "k") + Field(2, Field(6, Many(n, Field(1, std::string("\x20\x01", 2)))))))));
       }},
      {"unknown numbers", [](std::size_t n) { return AddingOne(Many(n, std::string("\xF8\x3E\x01", 3))); }},
      {"unknown texts", [](std::size_t n) { return AddingOne(Many(n, Field(127, ""))); }},
      {"unknown groups", [](std::size_t n) { return AddingOne(Many(n, std::string("\xFB\x3E\xFC\x3E", 4))); }},
      {"unknown fields of the event", [](std::size_t n) { return Many(n, Field(100, "")); }},
      {"unknown fields of a tool call",
       [](std::size_t n) {
         return AddingOne(Field(NumberOf(*Message::descriptor(), "tool_call"), Field(900, std::string(n, 'x'))));
       }},
      {"a text of control characters",
       [](std::size_t n) {
         return AddingOne(Field(NumberOf(*Message::descriptor(), "user_query"), Field(1, std::string(n, '\x01'))));
       }},
      {"a tool call's text of control characters",
       [](std::size_t n) { return AddingOne(ToolCall("run_shell_command", Field(1, std::string(n, '\x01')))); }},
      {"a large tool call",
       [](std::size_t n) { return AddingOne(ToolCall("run_shell_command", Field(1, std::string(n, 'x')))); }},
      {"to-do items",
       [](std::size_t n) {
         return AddingOne(
             Field(NumberOf(*Message::descriptor(), "update_todos"), Field(1, Many(n, Field(1, Field(1, "x"))))));
       }},
      {"to-do lists that change again and again",
       [](std::size_t n) {
         const int todos = NumberOf(*Message::descriptor(), "update_todos");
         return Adding(Field(2, Field(todos, Field(1, Many(n / 2, Field(1, Field(2, std::string(100, 'x'))))))) +
                       Many(n / 2, Field(2, Field(todos, Field(3, "")))));
       }},
      {"a mask that names a text again and again",
       [](std::size_t n) {
         const auto message = [&](const std::string& text) {
           std::string files;
           for (std::size_t i = 0; i < n / 12; ++i) files += Field(1, Field(1, text));
           return Field(1, "m") + ToolCall("read_files", files);
         };
         ResponseEvent event;
         auto* add = event.mutable_client_actions()->add_actions()->mutable_add_messages_to_task();
         add->set_task_id("t");
         REQUIRE(add->add_messages()->ParseFromString(message("x")));
         auto* append = event.mutable_client_actions()->add_actions()->mutable_append_to_message_content();
         append->set_task_id("t");
         REQUIRE(append->mutable_message()->ParseFromString(message("y")));
         for (int i = 0; i < 100; ++i) append->mutable_mask()->add_paths("tool_call.read_files.files.name");
         return event.SerializeAsString();
       }},
      {"token counts",
       [](std::size_t n) {
         const int finished = NumberOf(*ResponseEvent::descriptor(), "finished");
         return Field(finished, Many(n, Field(8, "")));
       }},
      {"suggestions",
       [](std::size_t n) {
         return EventOf(Field(NumberOf(*ClientAction::descriptor(), "show_suggestions"), Many(n, Field(1, ""))));
       }},
  };
  return shapes;
}

// What services send, and more of it than they ever do.
const std::vector<Shape>& Ordinary() {
  static const std::vector<Shape> shapes{
      {"a text", [](std::size_t n) { return AddingOne(Output("m", std::string(n, 'x'))); }},
      {"a reasoning", [](std::size_t n) { return AddingOne(Reasoning("m", std::string(n, 'x'))); }},
      {"a program's source that was read",
       [](std::size_t n) {
         Message message;
         message.set_id("m");
         message.mutable_user_query()->set_query(Many(n, "  if (line == \"something\") return Handle(line, 1'000);\n"));
         return AddingOne(message);
       }},
      {"an append to a text",
       [](std::size_t n) {
         ResponseEvent event;
         *event.mutable_client_actions()->add_actions() = Add("t", {Output("m", "x")});
         *event.mutable_client_actions()->add_actions() = Append("t", Output("m", std::string(n, 'x')));
         return event.SerializeAsString();
       }},
      {"messages of a kilobyte",
       [](std::size_t n) {
         return Adding(Many(n, [](std::size_t i) {
           return Field(2, Output("message-" + Digits(i), std::string(1'000, 'x')).SerializeAsString());
         }));
       }},
  };
  return shapes;
}

void CheckBound(const Reading& reading) {
  INFO(reading.status.ToString());
  INFO("bytes: " << reading.bytes << ", peak: " << reading.peak);
  CHECK(reading.peak <= static_cast<std::ptrdiff_t>(kMemoryPerByte * reading.bytes + kAllowance));
  CHECK((reading.status.ok() || reading.status.code() == Code::kLimitExceeded));
}

TEST_CASE("an event of any shape takes at most four times its bytes and 4 MiB of memory") {
  const auto bytes = GENERATE(as<std::size_t>(), 1'000, 20'000, 60'000, 300'000, 2'000'000);
  if (bytes > kLargest) return;
  for (const Shape& shape : Extremes()) {
    INFO(shape.name << " of about " << bytes << " bytes");
    CheckBound(Read(shape.make(bytes)));
  }
}

TEST_CASE("what services send is read, as large as an event may be") {
  const auto bytes = GENERATE(as<std::size_t>(), 1'000, 100'000, 3'000'000, 12'000'000);
  if (bytes > kLargest) return;
  for (const Shape& shape : Ordinary()) {
    INFO(shape.name << " of about " << bytes << " bytes");
    const Reading reading = Read(shape.make(bytes));
    CheckBound(reading);
    CHECK(reading.status.ok());
  }
}

}  // namespace
}  // namespace warppool::internal::event_cost_test
