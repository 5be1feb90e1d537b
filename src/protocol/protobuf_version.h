// What differs between the versions of protobuf, from 3.21 on, in the words of this library.
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

namespace warppool::internal {

// `message` as the generated type; null if it is another one. protobuf's own function for it has had several names.
template <typename T>
const T* MessageAs(const google::protobuf::Message& message) {
  const bool is_one = message.GetReflection() == T::default_instance().GetReflection();
  return is_one ? static_cast<const T*>(&message) : nullptr;
}

template <typename T>
T* MessageAs(google::protobuf::Message* message) {
  return const_cast<T*>(MessageAs<T>(*message));
}

// The name of a field, a message, an enumeration, ... which is a std::string or some kind of view. It lives as long as
// the schema.
template <typename Described>
std::string_view SchemaName(const Described& described) {
  const auto& name = described.name();
  return {name.data(), name.size()};
}

// "warppool.wire.Message.id"
template <typename Described>
std::string_view FullSchemaName(const Described& described) {
  const auto& name = described.full_name();
  return {name.data(), name.size()};
}

}  // namespace warppool::internal
