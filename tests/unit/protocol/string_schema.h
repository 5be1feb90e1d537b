// The schema as the service has it, with strings: for comparing with what protobuf makes of texts.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>

#include <memory>
#include <string>

#include "protocol/protobuf_version.h"
#include "protocol/text_fields.h"
#include "wire_text.h"

namespace warppool::internal {

class StringSchema {
 public:
  // `message`, which lives no longer than the schema.
  std::unique_ptr<google::protobuf::Message> Copy(const google::protobuf::Message& message) {
    Add(*message.GetDescriptor()->file());
    const auto* type = pool_.FindMessageTypeByName(std::string(FullSchemaName(*message.GetDescriptor())));
    REQUIRE(type != nullptr);
    std::unique_ptr<google::protobuf::Message> copy(factory_.GetPrototype(type)->New());
    REQUIRE(copy->ParseFromString(message.SerializeAsString()));
    return copy;
  }

 private:
  void Add(const google::protobuf::FileDescriptor& file) {
    if (pool_.FindFileByName(std::string(SchemaName(file))) != nullptr) return;
    for (int i = 0; i < file.dependency_count(); ++i) Add(*file.dependency(i));
    google::protobuf::FileDescriptorProto proto;
    file.CopyTo(&proto);
    for (int i = 0; i < file.message_type_count(); ++i) {
      SetStrings(*file.message_type(i), proto.mutable_message_type(i));
    }
    REQUIRE(pool_.BuildFile(proto) != nullptr);
  }

  static void SetStrings(const google::protobuf::Descriptor& type, google::protobuf::DescriptorProto* proto) {
    using Field = google::protobuf::FieldDescriptorProto;
    for (int i = 0; i < type.field_count(); ++i) {
      if (IsText(*type.field(i))) proto->mutable_field(i)->set_type(Field::TYPE_STRING);
    }
    for (int i = 0; i < type.nested_type_count(); ++i) SetStrings(*type.nested_type(i), proto->mutable_nested_type(i));
  }

  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
};

}  // namespace warppool::internal
