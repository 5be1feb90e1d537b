// Messages as text, for tests that say what they expect, and failures that can be read.
#pragma once

#include <google/protobuf/text_format.h>

#include <string>

#include "catch.h"
#include "protocol/request_builder.h"

namespace warppool::internal {

// In the text format, whose debug form later versions of protobuf change on purpose.
inline std::string TextOf(const google::protobuf::Message& message) {
  std::string text;
  REQUIRE(google::protobuf::TextFormat::PrintToString(message, &text));
  return text;
}

// The same in one line.
inline std::string ShortTextOf(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  REQUIRE(printer.PrintToString(message, &text));
  if (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

// The message that the text format describes, as the printer writes it: comments and line ends do not matter.
template <typename Message>
std::string Text(const std::string& text) {
  Message message;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return TextOf(message);
}

// What is sent. Nothing in it may be unknown to the schema.
inline wire::Request Parsed(const std::string& bytes) {
  wire::Request message;
  REQUIRE(message.ParseFromString(bytes));
  CHECK(message.GetReflection()->GetUnknownFields(message).empty());
  return message;
}

inline RequestBuilder BuilderOf(const Request& request) {
  auto builder = RequestBuilder::Create(request);
  INFO(builder.status().ToString());
  REQUIRE(builder.ok());
  return *std::move(builder);
}

inline wire::Request Built(const Request& request) {
  return Parsed(BuilderOf(request).Serialize({}, {}));
}

}  // namespace warppool::internal
