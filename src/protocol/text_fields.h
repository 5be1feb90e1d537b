// Which fields of the schema hold texts, and which hold bytes: both are declared as bytes, and proto/README.md says
// why.
#pragma once

#include <google/protobuf/descriptor.h>

namespace warppool::internal {

// Whether the field, or each element of its list, is a text, which has to be UTF-8.
bool IsText(const google::protobuf::FieldDescriptor& field);

}  // namespace warppool::internal
