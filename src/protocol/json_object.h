// JSON objects that a program brings: strictly JSON, and no deeper than the service's parsers go.
#pragma once

#include <google/protobuf/struct.pb.h>

#include <string_view>

#include "protocol/problem.h"

namespace warppool {

// Fills `to`, which is empty. Of two members with one name the last one wins. Says at which byte the JSON is wrong.
Problem ReadJsonObject(std::string_view text, google::protobuf::Struct* to);

// The same without a result.
Problem CheckJsonObject(std::string_view text);

}  // namespace warppool
