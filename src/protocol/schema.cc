#include "protocol/schema.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <mutex>

#include "protocol/wire_scan.h"
#include "warppool/wire/saved.pb.h"

namespace warppool::internal {
namespace {

using google::protobuf::FileDescriptor;

// With the files that it needs. One type's prototype is there only together with the tables of its whole file.
void Load(const FileDescriptor& file) {
  for (int i = 0; i < file.dependency_count(); ++i) Load(*file.dependency(i));
  google::protobuf::MessageFactory::generated_factory()->GetPrototype(file.message_type(0));
}

}  // namespace

void LoadSchema() {
  static std::once_flag once;
  std::call_once(once, [] {
    Load(*wire::SavedConversation::descriptor()->file());
    LoadMessageShapes();
  });
}

}  // namespace warppool::internal
