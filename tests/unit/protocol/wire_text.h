// Messages as text, for tests that say what they expect, and failures that can be read.
#pragma once

#include <google/protobuf/text_format.h>

#include <string>

#include "catch.h"
#include "protocol/request_builder.h"

namespace warppool {

// The message that the text format describes, as the printer writes it: comments and line ends do not matter.
template <typename Message>
std::string Text(const std::string& text) {
  Message message;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message.DebugString();
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

}  // namespace warppool
