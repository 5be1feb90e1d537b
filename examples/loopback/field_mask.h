// What a field mask does to a message: dotted paths from its root. A path that the schema does not know does nothing; a
// repeated field on the way needs equally long lists, and the rest of the path applies element by element.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "warppool/wire/struct.pb.h"

namespace loopback {

// What each path names is in `to` what it is in `from`, absent if it is absent there. Returns what is wrong; empty:
// nothing. If something is, `to` may be changed in part.
std::string ReplaceFields(const warppool::wire::FieldMask& mask, const google::protobuf::Message& from,
                          google::protobuf::Message* to);

// The text that each path names in `from` goes behind that in `to`. A path to something else is wrong.
std::string AppendFields(const warppool::wire::FieldMask& mask, const google::protobuf::Message& from,
                         google::protobuf::Message* to);

}  // namespace loopback
