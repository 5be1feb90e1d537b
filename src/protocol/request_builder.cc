#include "protocol/request_builder.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>

#include "base/wipe.h"
#include "protocol/map_entry.h"
#include "protocol/mcp_context.h"
#include "protocol/problem.h"
#include "protocol/request_context.h"
#include "protocol/request_settings.h"
#include "protocol/tool_output.h"
#include "protocol/wire_scan.h"

namespace warppool::internal {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;
using Input = wire::Request::Input;

constexpr char kSystemPrompt[] = "SYSTEM_PROMPT";
constexpr char kResumed[] = "is_auto_resume_after_error";
// protobuf counts in int.
constexpr std::size_t kMaxBytes = std::numeric_limits<int>::max();
constexpr int kMaxMessageDepth = 100;  // of messages in one another, for all of protobuf's parsers

Problem WriteMode(QueryMode mode, wire::UserQueryMode* to) {
  switch (mode) {
    case QueryMode::kNormal:
      return {};
    case QueryMode::kPlan:
      to->mutable_plan();
      return {};
    case QueryMode::kOrchestrate:
      to->mutable_orchestrate();
      return {};
  }
  return Is(fmt::format("unknown mode {}", static_cast<int>(mode)));
}

template <typename Entry>
Problem WriteAttachments(const Request& request, google::protobuf::RepeatedPtrField<Entry>* to) {
  if (!request.system_prompt.empty()) {
    Problem problem = SetText("system_prompt", request.system_prompt, AddEntry(kSystemPrompt, to),
                              &wire::Attachment::mutable_plain_text);
    if (problem) return problem;
  }
  for (const auto& [name, attachment] : request.attachments) {
    if (name.empty()) return At("attachments", Is("a name is empty"));
    if (Problem problem = NotUtf8(name)) return At("attachments (a name)", problem);
    Problem problem = Write(attachment, AddEntry(name, to));
    if (name == kSystemPrompt) problem = Is("the name is taken");
    if (problem) return At(fmt::format("attachments[\"{}\"]", name), problem);
  }
  return {};
}

Problem WriteQuery(const Request& request, Input::UserQuery* to) {
  to->set_intended_agent(wire::AGENT_TYPE_PRIMARY);
  return FirstOf({SetText("query", request.query, to, &Input::UserQuery::mutable_query),
                  At("mode", WriteMode(request.mode, to->mutable_mode())),
                  WriteAttachments(request, to->mutable_referenced_attachments())});
}

// What belongs to a query, where none is sent.
Problem CheckNoQuery(const Request& request) {
  wire::UserQueryMode mode;
  if (Problem problem = At("mode", WriteMode(request.mode, &mode))) return problem;
  if (request.mode != QueryMode::kNormal) return At("mode", Is("is set, but there is no query"));
  if (!request.attachments.empty()) return At("attachments", Is("are given, but there is no query"));
  return At("system_prompt", NotUtf8(request.system_prompt));
}

Problem WriteResults(const std::vector<ToolResult>& results, Input::UserInputs* to) {
  std::set<std::string_view> answered;
  return AddAll("tool_results", results, to->mutable_inputs(),
                [&](const ToolResult& result, Input::UserInputs::UserInput* input) {
                  if (Problem problem = Write(result, input->mutable_tool_call_result())) return problem;
                  const bool first = answered.insert(result.call_id).second;
                  return first ? Problem() : At("call_id", Is("has a result already"));
                });
}

Problem WriteInputs(const Request& request, Input* to) {
  auto* inputs = to->mutable_user_inputs();
  if (Problem problem = WriteResults(request.tool_results, inputs)) return problem;
  if (!request.query.empty()) return WriteQuery(request, inputs->add_inputs()->mutable_user_query());
  if (request.tool_results.empty()) return At("query", Is("is empty, and there are no tool results"));
  return CheckNoQuery(request);
}

Problem WriteInput(const Request& request, Input* to) {
  if (request.kind == RequestKind::kInputs) return WriteInputs(request, to);
  if (!request.tool_results.empty()) return At("tool_results", Is("only inputs have some"));
  switch (request.kind) {
    case RequestKind::kResume:
      to->mutable_resume_conversation();
      return request.query.empty() ? CheckNoQuery(request) : At("query", Is("a resumed conversation has none"));
    case RequestKind::kSummarize:
      return FirstOf({CheckNoQuery(request), PutText("query", request.query, to->mutable_summarize_conversation(),
                                                     &Input::SummarizeConversation::mutable_prompt)});
    case RequestKind::kInputs:
      break;
  }
  return At("kind", Is(fmt::format("unknown kind {}", static_cast<int>(request.kind))));
}

struct LogWriter {
  wire::Value* to;

  Problem operator()(const std::string& value) const {
    to->set_string_value(value);
    return NotUtf8(value);
  }
  Problem operator()(bool value) const {
    to->set_bool_value(value);
    return {};
  }
  Problem operator()(double value) const {
    to->set_number_value(value);
    return std::isfinite(value) ? Problem() : Is("is no finite number");
  }
};

Problem WriteMetadata(const Request& request, wire::Request::Metadata* to) {
  for (const auto& [key, value] : request.logging) {
    if (Problem problem = NotUtf8(key)) return At("logging (a key)", problem);
    if (Problem problem = std::visit(LogWriter{AddEntry(key, to->mutable_logging())}, value)) {
      return At(fmt::format("logging[\"{}\"]", key), problem);
    }
  }
  return {};
}

Problem WriteRequest(const Request& request, wire::Request* to) {
  Problem problem =
      FirstOf({WriteInput(request, to->mutable_input()),
               At("context", Write(request.context, to->mutable_input()->mutable_context())),
               WriteSettings(request, to->mutable_settings()), WriteMetadata(request, to->mutable_metadata())});
  if (problem || request.mcp_servers.empty()) return problem;
  return Write(request.mcp_servers, to->mutable_mcp_context());
}

// A request that wipes the keys in it. On no arena: what is moved into one is copied there, and a failure of that ends
// the process.
struct KeptRequest {
  wire::Request message{};
  KeptRequest() = default;
  KeptRequest(const KeptRequest&) = delete;
  KeptRequest& operator=(const KeptRequest&) = delete;
  ~KeptRequest() {
    if (message.has_settings()) WipeKeys(message.mutable_settings());
  }
};

Problem CheckRaw(std::string_view bytes) {
  if (bytes.size() > kMaxBytes) return At("raw", Is("has more than 2 GiB"));
  const WireScan scan = WireScanner(*wire::Request::descriptor(), kMaxMessageDepth).Scan(bytes);
  if (scan.problem) return At("raw", scan.problem);
  KeptRequest kept;
  wire::Request& message = kept.message;
  const bool parsed =
      scan.result == WireScan::Result::kFine && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return parsed ? Problem() : At("raw", Is(fmt::format("{} bytes that are no Request", bytes.size())));
}

// Of a message that was asked for its ByteSizeLong(), or lies in one that was.
std::string Bytes(const google::protobuf::MessageLite& message) {
  std::string bytes(static_cast<std::size_t>(message.GetCachedSize()), '\0');
  static_cast<void>(message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(bytes.data())));
  return bytes;
}

std::uint32_t TagOf(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

// Of a field that has a length, with its tag.
std::size_t FieldSize(int field, std::size_t size) {
  return CodedOutputStream::VarintSize32(TagOf(field)) + CodedOutputStream::VarintSize64(size) + size;
}

std::uint8_t* WriteHead(int field, std::size_t size, std::uint8_t* at) {
  return CodedOutputStream::WriteVarint64ToArray(size, CodedOutputStream::WriteTagToArray(TagOf(field), at));
}

std::uint8_t* WriteBytes(std::string_view bytes, std::uint8_t* at) {
  return std::copy(bytes.begin(), bytes.end(), at);
}

std::uint8_t* WriteField(int field, std::string_view bytes, std::uint8_t* at) {
  return WriteBytes(bytes, WriteHead(field, bytes.size(), at));
}

}  // namespace

Result<RequestBuilder> RequestBuilder::Create(const Request& request) {
  RequestBuilder builder;
  KeptRequest kept;
  wire::Request& message = kept.message;
  Problem problem = request.timeout.count() < 0 ? At("timeout", Is("is negative")) : Problem();
  if (!problem) problem = request.raw.empty() ? WriteRequest(request, &message) : CheckRaw(request.raw);
  if (problem) return Status(Code::kInvalidArgument, *std::move(problem));
  if (!request.raw.empty()) {
    builder.raw_ = request.raw;
    return builder;
  }
  if (message.ByteSizeLong() > kMaxBytes) {
    return Status(Code::kInvalidArgument, "the request has more than 2 GiB");
  }
  builder.input_ = Bytes(message.input());
  builder.context_size_ =
      FieldSize(Input::kContextFieldNumber, static_cast<std::size_t>(message.input().context().GetCachedSize()));
  builder.settings_ = Bytes(message.settings());
  builder.metadata_ = Bytes(message.metadata());
  builder.mcp_context_ = Bytes(message.mcp_context());
  return builder;
}

RequestBuilder::~RequestBuilder() {
  Wipe(&settings_);
  Wipe(&raw_);
}

std::string RequestBuilder::Serialize(const wire::Request::TaskContext& tasks, std::string_view conversation_id) const {
  if (!raw_.empty()) return raw_;
  using Metadata = wire::Request::Metadata;
  const std::size_t tasks_size = tasks.ByteSizeLong();
  const std::size_t id_size =
      conversation_id.empty() ? 0 : FieldSize(Metadata::kConversationIdFieldNumber, conversation_id.size());
  const std::size_t metadata_size = id_size + metadata_.size();
  const std::size_t mcp_context_size =
      mcp_context_.empty() ? 0 : FieldSize(wire::Request::kMcpContextFieldNumber, mcp_context_.size());
  const std::size_t size = FieldSize(wire::Request::kTaskContextFieldNumber, tasks_size) +
                           FieldSize(wire::Request::kInputFieldNumber, input_.size()) +
                           FieldSize(wire::Request::kSettingsFieldNumber, settings_.size()) +
                           FieldSize(wire::Request::kMetadataFieldNumber, metadata_size) + mcp_context_size;
  if (size > kMaxBytes) return {};
  std::string bytes(size, '\0');
  auto* at = reinterpret_cast<std::uint8_t*>(bytes.data());
  at = WriteHead(wire::Request::kTaskContextFieldNumber, tasks_size, at);
  at = tasks.SerializeWithCachedSizesToArray(at);
  at = WriteField(wire::Request::kInputFieldNumber, input_, at);
  at = WriteField(wire::Request::kSettingsFieldNumber, settings_, at);
  at = WriteHead(wire::Request::kMetadataFieldNumber, metadata_size, at);
  if (id_size > 0) at = WriteField(Metadata::kConversationIdFieldNumber, conversation_id, at);
  at = WriteBytes(metadata_, at);
  if (mcp_context_size > 0) static_cast<void>(WriteField(wire::Request::kMcpContextFieldNumber, mcp_context_, at));
  return bytes;
}

void RequestBuilder::DropQuestion() {
  Wipe(&raw_);
  raw_.shrink_to_fit();
  input_.resize(context_size_);
  input_.shrink_to_fit();
}

void RequestBuilder::BecomeResume() {
  if (!raw_.empty()) return;
  Input resume;
  resume.mutable_resume_conversation();
  DropQuestion();
  input_ += resume.SerializeAsString();
  wire::Request::Metadata metadata;
  static_cast<void>(metadata.ParseFromString(metadata_));
  FindOrAddEntry(kResumed, metadata.mutable_logging())->set_bool_value(true);
  metadata_ = metadata.SerializeAsString();
}

}  // namespace warppool::internal
