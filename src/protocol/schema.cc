#include "protocol/schema.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <mutex>

#include "warppool/wire/saved.pb.h"

namespace warppool {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;

// Asking for a type's prototype builds its tables; nested ones are asked for as well, since each is found by itself.
void Load(const Descriptor& message) {
  google::protobuf::MessageFactory::generated_factory()->GetPrototype(&message);
  for (int i = 0; i < message.nested_type_count(); ++i) Load(*message.nested_type(i));
}

// Both protobuf's own files that ours need, and ours.
void Load(const FileDescriptor& file) {
  for (int i = 0; i < file.dependency_count(); ++i) Load(*file.dependency(i));
  for (int i = 0; i < file.message_type_count(); ++i) Load(*file.message_type(i));
}

}  // namespace

void LoadSchema() {
  static std::once_flag once;
  std::call_once(once, [] { Load(*wire::SavedConversation::descriptor()->file()); });
}

}  // namespace warppool
