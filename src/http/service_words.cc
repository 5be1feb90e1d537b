#include "http/service_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/ascii.h"
#include "base/json.h"
#include "http/sse_parser.h"

namespace warppool::internal {
namespace {

constexpr std::size_t kMaxMessage = 1000;
constexpr std::size_t kMaxCode = 100;
constexpr std::size_t kMaxLook = 80;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool HasAnyMember(const FlatJson& json, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return json.HasMember(name); });
}

}  // namespace

bool IsEventStream(const HttpHead& head) {
  const std::string_view type = head.Find("content-type");
  return AsciiLower(TrimAsciiBlanks(type.substr(0, type.find(';')))) == "text/event-stream";
}

ServiceWords ReadServiceWords(const HttpHead& head, std::string_view body) {
  ServiceWords words;
  words.has_header = std::any_of(head.headers.begin(), head.headers.end(),
                                 [](const auto& header) { return header.first.rfind("x-warp-", 0) == 0; });
  words.code = Readable(head.Find("x-warp-error-code"), kMaxCode);
  const std::string_view type = head.Find("content-type");
  words.is_stream = IsEventStream(head);
  SseParser parser(body.size());
  if (words.is_stream) body = parser.Next(&body).value_or(std::string_view());
  if (body.substr(0, kByteOrderMark.size()) == kByteOrderMark) body.remove_prefix(kByteOrderMark.size());
  body = TrimAsciiBlanks(body);
  words.is_page = ContainsIgnoringCase(type, "html") || body.substr(0, 1) == "<";
  words.is_object = body.substr(0, 1) == "{";
  if (!words.is_object) return words;
  const auto json = FlatJson::Parse(body);
  if (!json) return words;
  words.is_error = HasAnyMember(*json, {"error", "errors", "message", "code", "userDisplayMessage"});
  words.is_graphql = json->HasMember("data");
  words.is_exchange_success =
      HasAnyMember(*json, {"id_token", "idToken", "access_token", "accessToken", "refresh_token", "refreshToken"});
  for (const char* path :
       {"error.message", "data.user.error.message", "errors.0.message", "error", "message", "userDisplayMessage"}) {
    const std::string* text = json->Find(path);
    if (text == nullptr || text->empty() || *text == "true" || *text == "false") continue;
    words.message = Readable(*text, kMaxMessage);
    break;
  }
  if (const auto* text = json->FindAny({"userDisplayMessage", "error.userDisplayMessage"})) {
    words.display = Readable(*text, kMaxMessage);
  }
  const auto* code = json->FindAny({"error.code", "code", "errors.0.extensions.code"});
  const bool is_status = code != nullptr && std::all_of(code->begin(), code->end(), IsAsciiDigit);
  if (words.code.empty() && code != nullptr && !is_status) words.code = Readable(*code, kMaxCode);
  return words;
}

bool IsServiceCode(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string LookOf(const HttpHead& head, std::string_view body) {
  std::string look;
  const auto add = [&](std::string_view what) {
    if (!what.empty()) look += fmt::format(", \"{}\"", Readable(what, kMaxLook));
  };
  add(head.Find("content-type"));
  // Of a page the name, as a browser shows it. Nothing else of a body is told: it might hold what was asked for.
  constexpr std::string_view kTitle = "<title>";
  const std::string lower = AsciiLower(body);
  const std::size_t title = lower.find(kTitle);
  if (title == lower.npos) return look;
  const std::size_t begin = title + kTitle.size();
  add(TrimAsciiBlanks(body.substr(begin, lower.find('<', begin) - begin)));
  return look;
}

}  // namespace warppool::internal
