#include "field_mask.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "protocol/protobuf_version.h"
#include "protocol/text_fields.h"

namespace loopback {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using ProtoMessage = google::protobuf::Message;
using warppool::wire::FieldMask;

// What happens at the end of a path. Returns what is wrong.
using Change = std::function<std::string(const FieldDescriptor* field, const ProtoMessage& from, ProtoMessage* to)>;

struct Path {
  explicit Path(const std::string& text)
      : first(text.substr(0, text.find('.'))), rest(text.substr(std::min(first.size() + 1, text.size()))) {}
  std::string first;
  std::string rest;  // empty: this is its end
};

// The schema declares a map as a list of entries. Nothing lies inside one.
bool IsMap(const FieldDescriptor* field) {
  const std::string type(warppool::internal::SchemaName(*field->message_type()));
  return field->is_repeated() && type.size() > 5 && type.compare(type.size() - 5, 5, "Entry") == 0;
}

bool IsKnown(const Descriptor* type, const std::string& text) {
  const Path path(text);
  const FieldDescriptor* field = type->FindFieldByName(path.first);
  if (field == nullptr || path.rest.empty()) return field != nullptr;
  return field->message_type() != nullptr && !IsMap(field) && IsKnown(field->message_type(), path.rest);
}

std::string Follow(const std::string& text, const ProtoMessage& from, ProtoMessage* to, const Change& change) {
  const Path path(text);
  const FieldDescriptor* field = to->GetDescriptor()->FindFieldByName(path.first);
  if (path.rest.empty()) return change(field, from, to);
  const auto* reflection = to->GetReflection();
  if (!field->is_repeated()) {
    // Nothing to copy and nothing to clear: the way there is not made for its own sake.
    if (!reflection->HasField(from, field) && !reflection->HasField(*to, field)) return "";
    return Follow(path.rest, reflection->GetMessage(from, field), reflection->MutableMessage(to, field), change);
  }
  const int size = reflection->FieldSize(*to, field);
  if (reflection->FieldSize(from, field) != size) return path.first + " is not equally long on both sides";
  for (int i = 0; i < size; ++i) {
    std::string problem = Follow(path.rest, reflection->GetRepeatedMessage(from, field, i),
                                 reflection->MutableRepeatedMessage(to, field, i), change);
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string FollowAll(const FieldMask& mask, const ProtoMessage& from, ProtoMessage* to, const Change& change) {
  for (const std::string& path : mask.paths()) {
    if (!IsKnown(to->GetDescriptor(), path)) continue;
    const std::string problem = Follow(path, from, to, change);
    if (!problem.empty()) return std::string("the mask's path ").append(path).append(": ").append(problem);
  }
  return "";
}

}  // namespace

std::string ReplaceFields(const FieldMask& mask, const ProtoMessage& from, ProtoMessage* to) {
  return FollowAll(mask, from, to, [](const FieldDescriptor* field, const ProtoMessage& source, ProtoMessage* target) {
    const std::unique_ptr<ProtoMessage> copy(source.New());
    copy->CopyFrom(source);
    target->GetReflection()->SwapFields(target, copy.get(), {field});
    return std::string();
  });
}

std::string AppendFields(const FieldMask& mask, const ProtoMessage& from, ProtoMessage* to) {
  return FollowAll(mask, from, to, [](const FieldDescriptor* field, const ProtoMessage& source, ProtoMessage* target) {
    if (!warppool::internal::IsText(*field) || field->is_repeated()) return std::string("it names no text");
    const auto* reflection = target->GetReflection();
    if (reflection->HasField(source, field)) {
      reflection->SetString(target, field,
                            reflection->GetString(*target, field) + reflection->GetString(source, field));
    }
    return std::string();
  });
}

}  // namespace loopback
