#include "protocol/map_entry.h"

#include "protocol/protobuf_version.h"

namespace warppool::internal {

using google::protobuf::FieldDescriptor;

bool IsMap(const FieldDescriptor& field) {
  constexpr std::string_view kEnding = "Entry";
  if (!field.is_repeated() || field.message_type() == nullptr) return false;
  const std::string_view name = SchemaName(*field.message_type());
  return name.size() > kEnding.size() && name.substr(name.size() - kEnding.size()) == kEnding;
}

const FieldDescriptor& KeyOf(const FieldDescriptor& map) {
  return *map.message_type()->FindFieldByNumber(1);
}

const FieldDescriptor& ValueOf(const FieldDescriptor& map) {
  return *map.message_type()->FindFieldByNumber(2);
}

}  // namespace warppool::internal
