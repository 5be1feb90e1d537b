#include "store/state_file.h"

#include <algorithm>
#include <utility>

#include "base/base64url.h"
#include "store/record_key.h"

namespace warppool::internal {
namespace {

constexpr std::string_view kSignature = "warppool-state ";
constexpr std::string_view kHeader = "warppool-state 1";

std::string_view WithoutCarriageReturn(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// Takes the first line of `text`, without its end.
std::string_view TakeLine(std::string_view* text) {
  const std::size_t end = text->find('\n');
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end == text->npos ? text->size() : end + 1);
  return line;
}

std::optional<std::pair<std::string, std::string>> ReadRecord(std::string_view line) {
  line = WithoutCarriageReturn(line);
  const std::size_t space = line.find(' ');
  if (space == line.npos || !IsRecordKey(line.substr(0, space))) return std::nullopt;
  const std::string_view text = line.substr(space + 1);
  std::string value;
  // Spelled otherwise than here, it was cut, or not written by this library.
  if (DecodeBase64Url(text, &value) || EncodeBase64Url(value) != text) return std::nullopt;
  return std::make_pair(std::string(line.substr(0, space)), std::move(value));
}

std::string WriteRecord(const std::string& key, const std::string& value) {
  return key + ' ' + EncodeBase64Url(value);
}

}  // namespace

Result<StateFile> StateFile::Parse(std::string_view text) {
  StateFile file;
  if (text.empty()) return file;
  const std::string_view header = WithoutCarriageReturn(TakeLine(&text));
  if (header != kHeader) {
    const bool ours = header.substr(0, kSignature.size()) == kSignature;
    return Status(Code::kInvalidConfig, ours ? "a state file of another version of this library" : "not a state file");
  }
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(TakeLine(&text));
  // Backwards: the first record of a key that comes is the one that counts.
  for (std::size_t i = lines.size(); i-- > 0;) {
    if (WithoutCarriageReturn(lines[i]).empty()) continue;
    auto record = ReadRecord(lines[i]);
    if (record && file.records_.insert(*std::move(record)).second) continue;
    file.damaged_.emplace_back(lines[i]);
    file.first_damaged_line_ = i + 2;
  }
  std::reverse(file.damaged_.begin(), file.damaged_.end());
  return file;
}

std::string StateFile::Text() const {
  std::string text(kHeader);
  text += '\n';
  for (const std::string& line : damaged_) text.append(line) += '\n';
  for (const auto& [key, value] : records_) text.append(WriteRecord(key, value)) += '\n';
  return text;
}

const std::string* StateFile::Find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

void StateFile::Apply(const StateChange& change) {
  if (change.value) {
    records_.insert_or_assign(change.key, *change.value);
    return;
  }
  records_.erase(change.key);
  // An older record of the key would count from now on.
  const auto is_older_one = [&](const std::string& line) {
    const auto record = ReadRecord(line);
    return record && record->first == change.key;
  };
  damaged_.erase(std::remove_if(damaged_.begin(), damaged_.end(), is_older_one), damaged_.end());
}

}  // namespace warppool::internal
