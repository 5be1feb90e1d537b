// JSON that a program brings: strictly JSON, and no deeper than the service's parsers go.
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

#include "protocol/problem.h"

namespace warppool::internal {

// An object, whatever is in it. Says at which byte the JSON is wrong.
Problem CheckJsonObject(std::string_view text);

// Fills `to`, which is empty, by protobuf's JSON mapping: fields by the names of the schema or in lowerCamelCase, null
// for what is not there, 64-bit numbers as texts too, bytes in either base64, enum values by name or number, dates from
// 1970 to 2261. Of messages with a JSON of their own it knows Timestamp and Struct; maps it does not know. Refuses what
// the schema does not know, and says which field is wrong. In a Struct the last one of two members with one name wins.
Problem ReadJsonObject(std::string_view text, google::protobuf::Message* to);

}  // namespace warppool::internal
