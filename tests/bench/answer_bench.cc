// What an answer and a request cost beside what protobuf alone would: a stream of 100,000 text deltas, from its bytes
// to the callback, and a request with a history of 1,000 messages.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/stubs/common.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64url.h"
#include "conversation/answer_reader.h"
#include "conversation/conversation_impl.h"
#include "http/sse_parser.h"
#include "protocol/request_builder.h"
#include "protocol/response_decoder.h"
#include "warppool/wire/request.pb.h"
#include "warppool/wire/response.pb.h"

namespace warppool::internal {
namespace {

constexpr int kDeltas = 100'000;
constexpr int kHistory = 1'000;
constexpr const char* kTaskId = "3f0d7c1e-5b0a-4b7e-9a55-0c3f3d1b6e01";
constexpr const char* kMessageId = "8b1f6a52-77d4-4c69-8f0e-2f5f0a9d4c02";

// An event that lies on `arena` with all its parts.
wire::ResponseEvent* CreateOnArena(google::protobuf::Arena* arena) {
  // Before version 26, whose number is 5026000, Create() leaves a message's parts on the heap.
#if GOOGLE_PROTOBUF_VERSION < 5026000
  return google::protobuf::Arena::CreateMessage<wire::ResponseEvent>(arena);
#else
  return google::protobuf::Arena::Create<wire::ResponseEvent>(arena);
#endif
}

wire::ResponseEvent Opening() {
  wire::ResponseEvent event;
  auto* actions = event.mutable_client_actions();
  actions->add_actions()->mutable_create_task()->mutable_task()->set_id(kTaskId);
  auto* add = actions->add_actions()->mutable_add_messages_to_task();
  add->set_task_id(kTaskId);
  add->add_messages()->set_id(kMessageId);
  add->mutable_messages(0)->mutable_agent_output()->set_text("Well, ");
  return event;
}

wire::ResponseEvent Delta(int number) {
  wire::ResponseEvent event;
  auto* append = event.mutable_client_actions()->add_actions()->mutable_append_to_message_content();
  append->set_task_id(kTaskId);
  append->mutable_message()->set_id(kMessageId);
  append->mutable_message()->mutable_agent_output()->set_text(fmt::format(" word{}", number % 1000));
  append->mutable_mask()->add_paths("agent_output.text");
  return event;
}

// The events decoded, and as they come over the wire.
struct Stream {
  Stream() {
    Add(Opening());
    for (int i = 0; i < kDeltas; ++i) Add(Delta(i));
  }
  void Add(const wire::ResponseEvent& event) {
    messages.push_back(event.SerializeAsString());
    bytes += "data: \"" + EncodeBase64Url(messages.back()) + "\"\n\n";
  }
  std::vector<std::string> messages;
  std::string bytes;
};

const Stream& TheStream() {
  static const Stream stream;
  return stream;
}

// What everything else is measured by.
void ParseOnArena(benchmark::State& state) {
  std::string block(16U << 10U, '\0');
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  google::protobuf::Arena arena(options);
  for (auto _ : state) {
    std::size_t texts = 0;
    for (const std::string& message : TheStream().messages) {
      arena.Reset();
      auto* event = CreateOnArena(&arena);
      if (!event->ParseFromString(message)) state.SkipWithError("not parsed");
      texts += static_cast<std::size_t>(event->client_actions().actions_size());
    }
    benchmark::DoNotOptimize(texts);
  }
}
BENCHMARK(ParseOnArena)->Unit(benchmark::kMillisecond);

// An event that is no delta is scanned before it is parsed.
void DecodeEvent(benchmark::State& state) {
  ResponseDecoder decoder(EventLimits{100});
  for (auto _ : state) {
    std::size_t texts = 0;
    for (const std::string& message : TheStream().messages) {
      const auto event = decoder.Parse(message);
      if (!event) return state.SkipWithError("not parsed");
      texts += static_cast<std::size_t>((*event)->client_actions().actions_size());
    }
    benchmark::DoNotOptimize(texts);
  }
}
BENCHMARK(DecodeEvent)->Unit(benchmark::kMillisecond);

// Bytes in, callback out, in chunks of range(0) bytes.
void ReadAnswer(benchmark::State& state) {
  const auto chunk = static_cast<std::size_t>(state.range(0));
  ResponseDecoder decoder(EventLimits{100});
  for (auto _ : state) {
    const auto conversation = std::make_shared<ConversationImpl>();
    if (!conversation->Claim({})) state.SkipWithError("busy");
    AnswerReader reader(conversation, &decoder);
    SseParser parser(16U << 20U);
    std::size_t text = 0;
    const char* ignored = nullptr;
    const Emit callback = [&](const Event& event) {
      if (const auto* delta = std::get_if<TextDelta>(&event)) text += delta->text.size();
      return true;
    };
    const std::string_view bytes = TheStream().bytes;
    for (std::size_t at = 0; at < bytes.size(); at += chunk) {
      std::string_view input = bytes.substr(at, chunk);
      while (const auto data = parser.Next(&input)) {
        if (IsKeepAlive(parser.event_name(), *data)) continue;
        if (!reader.Read(*data).ok()) state.SkipWithError("not read");
        while (reader.has_more()) {
          if (!reader.ApplyNext(callback, &ignored).ok()) state.SkipWithError("not applied");
        }
      }
    }
    if (text < kDeltas) state.SkipWithError("text is missing");
  }
}
BENCHMARK(ReadAnswer)->Arg(100)->Arg(16'384)->Unit(benchmark::kMillisecond);

wire::Request::TaskContext History() {
  wire::Request::TaskContext tasks;
  auto* task = tasks.add_tasks();
  task->set_id(kTaskId);
  for (int i = 0; i < kHistory; ++i) {
    auto* message = task->add_messages();
    message->set_id(fmt::format("8b1f6a52-77d4-4c69-8f0e-{:012}", i));
    message->set_task_id(kTaskId);
    message->set_server_message_data(std::string(64, 'd'));
    message->mutable_agent_output()->set_text(std::string(500, 't'));
  }
  return tasks;
}

void SerializeReadyMessage(benchmark::State& state) {
  auto builder = RequestBuilder::Create(Request("and now?"));
  wire::Request request;
  if (!request.ParseFromString(builder->Serialize(History(), "conversation-1"))) state.SkipWithError("not parsed");
  for (auto _ : state) {
    std::string bytes = request.SerializeAsString();
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(SerializeReadyMessage)->Unit(benchmark::kMicrosecond);

void BuildRequest(benchmark::State& state) {
  const wire::Request::TaskContext tasks = History();
  const Request request("and now?");
  for (auto _ : state) {
    auto builder = RequestBuilder::Create(request);
    std::string bytes = builder->Serialize(tasks, "conversation-1");
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(BuildRequest)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace warppool::internal

BENCHMARK_MAIN();
