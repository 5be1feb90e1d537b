#include "protocol/text_fields.h"

#include <algorithm>
#include <array>

#include "protocol/protobuf_version.h"

namespace warppool::internal {
namespace {

using google::protobuf::FieldDescriptor;

constexpr std::string_view kWirePackage = "warppool.wire.";
// All others are texts.
constexpr std::array<std::string_view, 5> kBinaryFields = {
    "warppool.wire.BinaryFileContent.data",
    "warppool.wire.InputContext.Image.data",
    "warppool.wire.Message.ToolCall.WriteToLongRunningShellCommand.input",
    "warppool.wire.MCPResourceContent.Binary.data",
    "warppool.wire.CallMCPToolResult.Success.Result.Image.data",
};

}  // namespace

bool IsText(const FieldDescriptor& field) {
  if (field.type() == FieldDescriptor::TYPE_STRING) return true;  // of protobuf's own messages
  if (field.type() != FieldDescriptor::TYPE_BYTES) return false;
  const std::string_view name = FullSchemaName(field);
  if (name.substr(0, kWirePackage.size()) != kWirePackage) return false;
  return std::find(kBinaryFields.begin(), kBinaryFields.end(), name) == kBinaryFields.end();
}

}  // namespace warppool::internal
