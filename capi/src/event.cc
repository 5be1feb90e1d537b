#include <array>
#include <string_view>
#include <type_traits>
#include <variant>

#include "guard.h"
#include "usage.h"

using warppool::AttemptFailed;
using warppool::Event;
using warppool::Finished;
using warppool::StreamStarted;
using warppool::TextDelta;
using warppool::TextReplaced;
using warppool::UnknownEvent;
using warppool::Waiting;
using warppool::capi::ReadOr;

namespace {

using namespace std::literals::string_view_literals;

// The texts of an event, which C wants to end with NUL; null: fewer than four.
using Texts = std::array<std::string_view*, 4>;
Texts TextsOf(StreamStarted& e) {
  return {&e.token, &e.conversation_id, &e.request_id, &e.run_id};
}
Texts TextsOf(TextDelta& e) {
  return {&e.message_id, &e.text};
}
Texts TextsOf(TextReplaced& e) {
  return {&e.message_id, &e.text};
}
Texts TextsOf(AttemptFailed& e) {
  return {&e.token, &e.message};
}
Texts TextsOf(Waiting& e) {
  return {&e.reason};
}
Texts TextsOf(Finished& e) {
  return {&e.message};
}
Texts TextsOf(UnknownEvent& e) {
  return {&e.kind};
}

warppool_event_type TypeOf(const StreamStarted& /*event*/) {
  return WARPPOOL_EVENT_STREAM_STARTED;
}
warppool_event_type TypeOf(const TextDelta& /*event*/) {
  return WARPPOOL_EVENT_TEXT_DELTA;
}
warppool_event_type TypeOf(const TextReplaced& /*event*/) {
  return WARPPOOL_EVENT_TEXT_REPLACED;
}
warppool_event_type TypeOf(const AttemptFailed& /*event*/) {
  return WARPPOOL_EVENT_ATTEMPT_FAILED;
}
warppool_event_type TypeOf(const Waiting& /*event*/) {
  return WARPPOOL_EVENT_WAITING;
}
warppool_event_type TypeOf(const Finished& /*event*/) {
  return WARPPOOL_EVENT_FINISHED;
}
warppool_event_type TypeOf(const UnknownEvent& /*event*/) {
  return WARPPOOL_EVENT_UNKNOWN;
}

// Null if the event is of another type, or none.
template <typename Type>
const Type* As(const warppool_event* event) noexcept {
  return event == nullptr ? nullptr : std::get_if<Type>(&event->event);
}

// What `field` reads from an event that is one of `Types`; "" from any other.
template <typename... Types, typename Field>
std::string_view TextIn(const warppool_event* event, const Field& field) noexcept {
  std::string_view text = ""sv;  // unlike a default one, it points somewhere
  if (event == nullptr) return text;
  std::visit(
      [&](const auto& e) {
        if constexpr ((std::is_same_v<decltype(e), const Types&> || ...)) text = field(e);
      },
      event->event);
  return text;
}

}  // namespace

void warppool_event::Assign(const Event& source) {
  Event copy = source;
  std::visit(
      [this](auto& e) {
        const Texts all = TextsOf(e);
        size_t total = 0;
        for (const std::string_view* text : all) {
          if (text != nullptr) total += text->size() + 1;
        }
        texts.clear();
        texts.reserve(total);  // nothing moves from here on
        for (std::string_view* text : all) {
          if (text == nullptr) continue;
          const size_t start = texts.size();
          texts.append(*text).push_back('\0');
          *text = std::string_view(texts).substr(start, text->size());
        }
      },
      copy);
  event = copy;
}

warppool_event_type warppool_event_get_type(const warppool_event* event) {
  return ReadOr(event, WARPPOOL_EVENT_NONE,
                [](const auto& e) { return std::visit([](const auto& is) { return TypeOf(is); }, e.event); });
}

const char* warppool_event_text(const warppool_event* event, size_t* length) {
  const std::string_view text = TextIn<TextDelta, TextReplaced>(event, [](const auto& e) { return e.text; });
  if (length != nullptr) *length = text.size();
  return text.data();
}

const char* warppool_event_message_id(const warppool_event* event) {
  return TextIn<TextDelta, TextReplaced>(event, [](const auto& e) { return e.message_id; }).data();
}

const char* warppool_event_token(const warppool_event* event) {
  return TextIn<StreamStarted, AttemptFailed>(event, [](const auto& e) { return e.token; }).data();
}

const char* warppool_event_conversation_id(const warppool_event* event) {
  return TextIn<StreamStarted>(event, [](const auto& e) { return e.conversation_id; }).data();
}

const char* warppool_event_request_id(const warppool_event* event) {
  return TextIn<StreamStarted>(event, [](const auto& e) { return e.request_id; }).data();
}

const char* warppool_event_run_id(const warppool_event* event) {
  return TextIn<StreamStarted>(event, [](const auto& e) { return e.run_id; }).data();
}

warppool_code warppool_event_code(const warppool_event* event) {
  return ReadOr(As<AttemptFailed>(event), WARPPOOL_OK, [](const auto& e) { return e.code; });
}

const char* warppool_event_message(const warppool_event* event) {
  if (As<Waiting>(event) != nullptr) return TextIn<Waiting>(event, [](const auto& e) { return e.reason; }).data();
  return TextIn<AttemptFailed, Finished>(event, [](const auto& e) { return e.message; }).data();
}

warppool_next_step warppool_event_next_step(const warppool_event* event) {
  return ReadOr(As<AttemptFailed>(event), WARPPOOL_NEXT_NONE, [](const auto& e) { return e.next; });
}

int64_t warppool_event_wait_ms(const warppool_event* event) {
  if (const auto* waiting = As<Waiting>(event)) return waiting->wait.count();
  return ReadOr(As<AttemptFailed>(event), int64_t{0}, [](const auto& e) { return e.wait.count(); });
}

warppool_finish_reason warppool_event_finish_reason(const warppool_event* event) {
  return ReadOr(As<Finished>(event), WARPPOOL_FINISH_NONE, [](const auto& e) { return e.reason; });
}

warppool_code warppool_event_usage(const warppool_event* event, warppool_usage* usage, warppool_error** error) {
  return warppool::capi::Guard(error, [&] {
    auto status = warppool::capi::NotNull({{event, "event"}, {usage, "usage"}});
    if (!status.ok()) return status;
    const auto* finished = As<Finished>(event);
    return warppool::capi::FillUsage(finished == nullptr ? warppool::Usage() : finished->usage, usage);
  });
}

const char* warppool_event_kind(const warppool_event* event) {
  return TextIn<UnknownEvent>(event, [](const auto& e) { return e.kind; }).data();
}

const uint8_t* warppool_event_bytes(const warppool_event* event, size_t* length) {
  const auto* unknown = As<UnknownEvent>(event);
  const bool any = unknown != nullptr && !unknown->bytes.empty();
  if (length != nullptr) *length = any ? unknown->bytes.size() : 0;
  return reinterpret_cast<const uint8_t*>(any ? unknown->bytes.data() : "");
}
