#include "protocol/problem.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace warppool::internal {

Problem Is(std::string_view what) {
  return fmt::format(": {}", what);
}

Problem At(std::string_view name, Problem inner) {
  if (!inner) return inner;
  const bool joined = inner->front() == ':' || inner->front() == '[';
  return fmt::format("{}{}{}", name, joined ? "" : ".", *inner);
}

Problem At(std::string_view name, std::size_t index, Problem inner) {
  if (!inner) return inner;
  return At(fmt::format("{}[{}]", name, index), std::move(inner));
}

Problem FirstOf(std::initializer_list<Problem> problems) {
  for (const Problem& problem : problems) {
    if (problem) return problem;
  }
  return {};
}

Problem NotUtf8(std::string_view text) {
  if (const auto at = FirstInvalidUtf8(text)) return Is(fmt::format("not UTF-8 at byte {}", *at));
  return {};
}

Problem AddTexts(std::string_view name, const std::vector<std::string>& texts,
                 google::protobuf::RepeatedPtrField<std::string>* to) {
  return AddAll(name, texts, to, [](const std::string& text, std::string* copy) {
    *copy = text;
    return text.empty() ? Is("is empty") : NotUtf8(text);
  });
}

}  // namespace warppool::internal
