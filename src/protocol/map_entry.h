// Maps of the schema. They are declared as what they are on the wire, a repeated message of a key and a value:
// proto/README.md says why.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <string_view>

namespace warppool::internal {

// A list of messages whose name ends with "Entry"; the keys are texts.
bool IsMap(const google::protobuf::FieldDescriptor& field);
const google::protobuf::FieldDescriptor& KeyOf(const google::protobuf::FieldDescriptor& map);
const google::protobuf::FieldDescriptor& ValueOf(const google::protobuf::FieldDescriptor& map);

// A new entry's value. The key must not be there yet.
template <typename Entry>
auto* AddEntry(std::string_view key, google::protobuf::RepeatedPtrField<Entry>* map) {
  Entry* entry = map->Add();
  entry->mutable_key()->assign(key);
  return entry->mutable_value();
}

// The value under `key`; a new one where there is none. Of two entries with one key the last one counts, as everywhere.
template <typename Entry>
auto* FindOrAddEntry(std::string_view key, google::protobuf::RepeatedPtrField<Entry>* map) {
  for (int i = map->size(); i-- > 0;) {
    if ((*map)[i].key() == key) return (*map)[i].mutable_value();
  }
  return AddEntry(key, map);
}

}  // namespace warppool::internal
