// Messages as JSON. protobuf's own function ends the program when memory runs out.
#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace warppool::internal {

// protobuf's JSON mapping (protobuf.dev/programming-guides/json), with the names of the schema: what is set, 64-bit
// numbers as texts, what is no text in base64, enum values by name where they have one. A date or a duration that is
// none is written like any other message. Empty for what JSON cannot hold: in a Struct, a number that is none or a
// value of no kind.
std::string ToJson(const google::protobuf::Message& message);

}  // namespace warppool::internal
