#include "conversation/saved_conversation.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <limits>
#include <utility>

#include "base/fingerprint.h"
#include "protocol/wire_scan.h"
#include "warppool/wire/saved.pb.h"

namespace warppool::internal {
namespace {

constexpr std::string_view kSavedSignature = "warppool conversation ";
constexpr std::string_view kVersionLine = "1\n";
constexpr std::size_t kChecksumDigits = 16;
// An event that was accepted lies this deep at most (Config::max_nesting_depth), and here somewhat deeper.
constexpr int kDeepestSaved = 1'010;

Status Damaged(std::string_view why) {
  return {Code::kInvalidArgument, fmt::format("no saved conversation: {}", why)};
}

std::string Checksum(std::string_view bytes) {
  return Hex(FingerprintOf(bytes)).substr(0, kChecksumDigits);
}

// Ids that are not empty, and differ.
Status CheckTasks(const wire::Request::TaskContext& tasks) {
  std::unordered_map<std::string_view, int> seen;
  for (int i = 0; i < tasks.tasks_size(); ++i) {
    const std::string& id = tasks.tasks(i).id();
    if (id.empty()) return Damaged(fmt::format("task {} has no id", i));
    if (!seen.emplace(id, i).second) return Damaged(fmt::format("two tasks have the id \"{}\"", id));
  }
  return {};
}

}  // namespace

Result<std::string> WriteSaved(SavedConversation saved) {
  wire::SavedConversation message;
  message.set_conversation_id(saved.id);
  message.set_token(saved.token);
  message.set_owner(saved.owner_key);
  if (const auto root = saved.tasks.root()) message.set_root(*root);
  *message.mutable_tasks() = std::move(saved.tasks).TakeContext();
  auto* usage = message.mutable_usage();
  usage->set_input_tokens(saved.usage.input_tokens);
  usage->set_output_tokens(saved.usage.output_tokens);
  usage->set_cache_read_tokens(saved.usage.cache_read_tokens);
  usage->set_cache_write_tokens(saved.usage.cache_write_tokens);
  usage->set_cost_in_cents(saved.usage.cost_in_cents);
  usage->set_credits(saved.usage.credits);
  usage->set_context_window_usage(saved.usage.context_window_usage);
  if (message.ByteSizeLong() > std::numeric_limits<int>::max()) {
    return Status(Code::kLimitExceeded, "the conversation is too large to be saved (2 GiB)");
  }
  const std::string bytes = message.SerializeAsString();
  return fmt::format("{}{}{}\n{}", kSavedSignature, kVersionLine, Checksum(bytes), bytes);
}

Result<SavedConversation> ReadSaved(std::string_view bytes) {
  if (bytes.substr(0, kSavedSignature.size()) != kSavedSignature) return Damaged("it does not begin like one");
  bytes.remove_prefix(kSavedSignature.size());
  if (bytes.substr(0, kVersionLine.size()) != kVersionLine) {
    return Damaged(fmt::format("of version {}, and this library reads 1",
                               bytes.substr(0, std::min<std::size_t>(bytes.find('\n'), 10))));
  }
  bytes.remove_prefix(kVersionLine.size());
  const std::string_view checksum = bytes.substr(0, kChecksumDigits);
  if (bytes.size() <= kChecksumDigits || bytes[kChecksumDigits] != '\n') return Damaged("it is cut off");
  bytes.remove_prefix(kChecksumDigits + 1);
  if (checksum != Checksum(bytes)) return Damaged("it was changed, or is cut off (the checksum does not match)");
  return ReadSavedMessage(bytes);
}

Result<SavedConversation> ReadSavedMessage(std::string_view bytes) {
  wire::SavedConversation message;
  if (bytes.size() > std::numeric_limits<int>::max()) return Damaged("it is larger than 2 GiB");
  const WireScan scan = WireScanner(*wire::SavedConversation::descriptor(), kDeepestSaved).Scan(bytes);
  if (scan.problem) return Damaged(*scan.problem);
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(kDeepestSaved);
  if (scan.result != WireScan::Result::kFine || !message.ParseFromCodedStream(&in) || !in.ConsumedEntireMessage()) {
    return Damaged("no message of its kind");
  }
  if (Status status = CheckTasks(message.tasks()); !status.ok()) return status;
  std::optional<int> root;
  if (message.has_root()) {
    root = message.root();
    if (*root < 0 || *root >= message.tasks().tasks_size()) return Damaged("its root task is none of its tasks");
  }
  const auto& usage = message.usage();
  return SavedConversation{
      TaskStore(std::move(*message.mutable_tasks()), root),
      message.conversation_id(),
      message.token(),
      message.owner(),
      {usage.input_tokens(), usage.output_tokens(), usage.cache_read_tokens(), usage.cache_write_tokens(),
       usage.cost_in_cents(), usage.credits(), usage.context_window_usage()}};
}

}  // namespace warppool::internal
