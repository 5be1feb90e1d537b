#include "chat_printer.h"

#include <chrono>
#include <variant>

namespace chat {
namespace {

constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::size_t kQuoted = 40;  // bytes of a message that is named by how it begins

std::string Seconds(std::chrono::milliseconds wait) {
  const auto tenths = (wait.count() + 99) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

// Not in the middle of a character, nor beyond the first line.
std::string Beginning(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() <= kQuoted) return line;
  std::size_t end = kQuoted;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  return line.substr(0, end) + "...";
}

std::string NextWords(const warppool::AttemptFailed& event) {
  switch (event.next) {
    case warppool::NextStep::kSameToken:
      return "once more with a new JWT";
    case warppool::NextStep::kNextToken:
      return "going on with another token";
    case warppool::NextStep::kWait:
      return "trying again in " + Seconds(event.wait);
    case warppool::NextStep::kResume:
      return "going on with this answer in " + Seconds(event.wait);
    case warppool::NextStep::kGiveUp:
      return "giving up";
  }
  return "going on";
}

}  // namespace

void Printer::Show(const warppool::Event& event) {
  std::visit([this](const auto& one) { On(one); }, event);
}

void Printer::Finish() {
  Go(Place::kLineStart, "");
  shown_.clear();
}

void Printer::On(const warppool::TextDelta& event) {
  Go(Place::kAnswer, event.message_id);
  shown_[std::string(event.message_id)] += event.text;
  answer_ << Printable(event.text) << std::flush;
}

void Printer::On(const warppool::TextReplaced& event) {
  std::string& shown = shown_[std::string(event.message_id)];
  Mark("the message \"" + Beginning(shown) + "\" was changed; all of it again:");
  shown = event.text;
  Go(Place::kAnswer, event.message_id);
  answer_ << Printable(event.text) << std::flush;
}

void Printer::On(const warppool::ReasoningDelta& event) {
  if (!on_terminal_) return;
  Go(Place::kReasoning, event.message_id);
  answer_ << Printable(event.text) << std::flush;
}

void Printer::On(const warppool::ReasoningReplaced& event) {
  if (!on_terminal_) return;
  Mark("the reasoning was changed; all of it again:");
  Go(Place::kReasoning, event.message_id);
  answer_ << Printable(event.text) << std::flush;
}

void Printer::On(const warppool::MessageRetracted& event) {
  const auto shown = shown_.find(std::string(event.message_id));
  if (shown == shown_.end()) return;  // nothing of it is on the screen
  Mark("the message \"" + Beginning(shown->second) + "\" was taken back");
  shown_.erase(shown);
}

void Printer::On(const warppool::ToolCall& event) {
  const std::string_view name = event.name.empty() ? event.tool : event.name;
  Remark("the agent calls " + std::string(name) + ", and a chat has no tools");
}

void Printer::On(const warppool::AttemptFailed& event) {
  Remark(std::string(event.token) + ": " + std::string(event.message) + "; " + NextWords(event));
}

void Printer::On(const warppool::Waiting& event) {
  Remark(std::string(event.reason) + "; waiting for at most " + Seconds(event.wait));
}

void Printer::On(const warppool::ConversationMoved& event) {
  Remark("the conversation moves from " + std::string(event.from_token) + " to " + std::string(event.to_token) +
         ", with its history");
}

void Printer::On(const warppool::UnknownEvent& event) {
  Remark("the service sent something that this chat does not know" +
         (event.kind.empty() ? "" : " (" + std::string(event.kind) + ")"));
}

void Printer::Go(Place place, std::string_view message_id) {
  if (place == place_ && message_id == message_id_) return;
  if (place_ == Place::kReasoning) answer_ << kPlain;
  if (place_ != Place::kLineStart) answer_ << "\n";
  if (place == Place::kReasoning) answer_ << kDim;
  answer_ << std::flush;
  place_ = place;
  message_id_ = message_id;
}

void Printer::Mark(std::string_view words) {
  Go(Place::kLineStart, "");
  answer_ << "[" << Printable(words) << "]\n" << std::flush;
}

void Printer::Remark(const std::string& words) {
  if (on_terminal_) Go(Place::kLineStart, "");  // elsewhere the two do not meet
  remarks_ << "[" << Printable(words) << "]\n" << std::flush;
}

// What an agent says must not move the cursor or change a terminal's settings.
std::string Printer::Printable(std::string_view text) const {
  if (!on_terminal_) return std::string(text);
  std::string printable;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    printable += c0 || c1 ? '?' : text[i];
  }
  return printable;
}

}  // namespace chat
