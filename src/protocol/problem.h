// Finding what is wrong in a request while it is turned into the service's message.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace warppool::internal {

// What is wrong with a value, and where in it: "files[0].content: not UTF-8 at byte 7"; ": is empty" of the value
// itself. Nothing: it is fine. Made from the inside out, so that a place is put into words only where something is
// wrong.
using Problem = std::optional<std::string>;

// ": what"
Problem Is(std::string_view what);

// The same one level further out. Nothing stays nothing.
Problem At(std::string_view name, Problem inner);
Problem At(std::string_view name, std::size_t index, Problem inner);

Problem FirstOf(std::initializer_list<Problem> problems);

Problem NotUtf8(std::string_view text);

// Three ways to copy a text into a field of a message: `field` is its mutable_...().
template <typename Message>
Problem SetText(std::string_view name, std::string_view text, Message* to, std::string* (Message::*field)()) {
  (to->*field)()->assign(text);
  return At(name, NotUtf8(text));
}

// What is empty is not sent.
template <typename Message>
Problem PutText(std::string_view name, std::string_view text, Message* to, std::string* (Message::*field)()) {
  return text.empty() ? Problem() : SetText(name, text, to, field);
}

// What is empty is a problem.
template <typename Message>
Problem RequireText(std::string_view name, std::string_view text, Message* to, std::string* (Message::*field)()) {
  return text.empty() ? At(name, Is("is empty")) : SetText(name, text, to, field);
}

// Adds a message for each item; `write` fills it: Problem(const Item&, Message*).
template <typename Item, typename Message, typename Write>
Problem AddAll(std::string_view name, const std::vector<Item>& items, google::protobuf::RepeatedPtrField<Message>* to,
               const Write& write) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (Problem problem = write(items[i], to->Add())) return At(name, i, std::move(problem));
  }
  return {};
}

// The same for a list of texts, none of which may be empty.
Problem AddTexts(std::string_view name, const std::vector<std::string>& texts,
                 google::protobuf::RepeatedPtrField<std::string>* to);

}  // namespace warppool::internal
