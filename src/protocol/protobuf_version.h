// What differs between the versions of protobuf, from 3.21 on, in the words of this library.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/common.h>

#include <string_view>

namespace warppool::internal {

// A message that lies on `arena` with all its parts.
template <typename T>
T* CreateOnArena(google::protobuf::Arena* arena) {
  // Before version 26, whose number is 5026000, Create() leaves a message's parts on the heap.
#if GOOGLE_PROTOBUF_VERSION < 5026000
  return google::protobuf::Arena::CreateMessage<T>(arena);
#else
  return google::protobuf::Arena::Create<T>(arena);
#endif
}

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
