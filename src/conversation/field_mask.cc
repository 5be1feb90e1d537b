#include "conversation/field_mask.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <memory>

#include "protocol/map_entry.h"
#include "protocol/protobuf_version.h"
#include "protocol/text_fields.h"

namespace warppool::internal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct Step {
  const FieldDescriptor* field;
  std::string_view rest;  // of the path
  bool is_last;
};

// `field` null: the schema does not know it.
Step FirstStep(std::string_view path, const Descriptor& descriptor) {
  const std::size_t dot = path.find('.');
  const bool is_last = dot == std::string_view::npos;
  const FieldDescriptor* field = descriptor.FindFieldByName(std::string(path.substr(0, dot)));
  return {field, is_last ? std::string_view() : path.substr(dot + 1), is_last};
}

// Asked before anything is done: on the way to a field that is not there, messages would be made that nobody named.
bool IsKnown(std::string_view path, const Descriptor& descriptor) {
  const auto [field, rest, is_last] = FirstStep(path, descriptor);
  if (field == nullptr || is_last) return field != nullptr;
  // Nothing lies inside a scalar or a map.
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsMap(*field)) return false;
  return IsKnown(rest, *field->message_type());
}

bool IsOneText(const FieldDescriptor& field) {
  return IsText(field) && !field.is_repeated();
}

Status DifferentLengths(const FieldDescriptor& field, int from, int to) {
  return {Code::kInvalidAction,
          fmt::format("the mask leads through \"{}\", with {} elements in the action and {} in the "
                      "message",
                      SchemaName(field), from, to)};
}

void ReplaceLeaf(const FieldDescriptor& field, const Message& from, Message* to) {
  const Reflection& reflection = *to->GetReflection();
  const bool absent =
      field.is_repeated() ? reflection.FieldSize(from, &field) == 0 : !reflection.HasField(from, &field);
  if (absent) return reflection.ClearField(to, &field);
  const std::unique_ptr<Message> copy(from.New());
  copy->CopyFrom(from);
  reflection.SwapFields(to, copy.get(), {&field});
}

Status Replace(std::string_view path, const Message& from, Message* to) {
  const auto [field, rest, is_last] = FirstStep(path, *to->GetDescriptor());
  if (is_last) {
    ReplaceLeaf(*field, from, to);
    return {};
  }
  const Reflection& reflection = *to->GetReflection();
  if (!field->is_repeated()) {
    if (!reflection.HasField(from, field) && !reflection.HasField(*to, field)) return {};
    return Replace(rest, reflection.GetMessage(from, field), reflection.MutableMessage(to, field));
  }
  const int size = reflection.FieldSize(*to, field);
  const int other_size = reflection.FieldSize(from, field);
  if (size != other_size) return DifferentLengths(*field, other_size, size);
  for (int i = 0; i < size; ++i) {
    Status status =
        Replace(rest, reflection.GetRepeatedMessage(from, field, i), reflection.MutableRepeatedMessage(to, field, i));
    if (!status.ok()) return status;
  }
  return {};
}

// Of alternatives, appending to one that is not there would take away the one that is.
Status CheckOneof(const FieldDescriptor& field, const Message& message) {
  const auto* oneof = field.real_containing_oneof();
  const auto* there = oneof == nullptr ? nullptr : message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
  if (there == nullptr || there == &field) return {};
  return {Code::kInvalidAction, fmt::format("the mask names \"{}\", and the message has \"{}\" instead",
                                            SchemaName(field), SchemaName(*there))};
}

Status VisitPairs(std::string_view path, const Message& from, Message* to, const VisitPair& visit) {
  const auto [field, rest, is_last] = FirstStep(path, *to->GetDescriptor());
  const Reflection& reflection = *to->GetReflection();
  if (Status status = CheckOneof(*field, *to); !status.ok()) return status;
  if (is_last) {
    if (!IsOneText(*field)) {
      return {Code::kInvalidAction, fmt::format("the mask names \"{}\", which is no text", FullSchemaName(*field))};
    }
    if (!reflection.HasField(from, field)) return {};
    std::string scratch;
    return visit(TextField(to, field), reflection.GetStringReference(from, field, &scratch));
  }
  if (!field->is_repeated()) {
    if (!reflection.HasField(from, field)) return {};
    return VisitPairs(rest, reflection.GetMessage(from, field), reflection.MutableMessage(to, field), visit);
  }
  const int size = reflection.FieldSize(*to, field);
  const int other_size = reflection.FieldSize(from, field);
  if (size != other_size) return DifferentLengths(*field, other_size, size);
  for (int i = 0; i < size; ++i) {
    Status status = VisitPairs(rest, reflection.GetRepeatedMessage(from, field, i),
                               reflection.MutableRepeatedMessage(to, field, i), visit);
    if (!status.ok()) return status;
  }
  return {};
}

bool VisitTexts(std::string_view path, Message* message, const std::function<void(TextField text)>& visit) {
  const auto [field, rest, is_last] = FirstStep(path, *message->GetDescriptor());
  const Reflection& reflection = *message->GetReflection();
  if (is_last) {
    if (!IsOneText(*field) || !reflection.HasField(*message, field)) return false;
    visit(TextField(message, field));
    return true;
  }
  if (!field->is_repeated()) {
    if (!reflection.HasField(*message, field)) return false;
    return VisitTexts(rest, reflection.MutableMessage(message, field), visit);
  }
  bool all_there = true;
  for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
    all_there = VisitTexts(rest, reflection.MutableRepeatedMessage(message, field, i), visit) && all_there;
  }
  return all_there;
}

}  // namespace

Status ReplaceField(std::string_view path, const Message& from, Message* to) {
  return IsKnown(path, *to->GetDescriptor()) ? Replace(path, from, to) : Status();
}

Status ForEachText(std::string_view path, const Message& from, Message* to, const VisitPair& visit) {
  return IsKnown(path, *to->GetDescriptor()) ? VisitPairs(path, from, to, visit) : Status();
}

bool ForEachText(std::string_view path, Message* message, const std::function<void(TextField text)>& visit) {
  return !IsKnown(path, *message->GetDescriptor()) || VisitTexts(path, message, visit);
}

std::size_t TextField::size() const {
  std::string scratch;
  return message_->GetReflection()->GetStringReference(*message_, field_, &scratch).size();
}

bool TextField::IsSet() const {
  return message_->GetReflection()->HasField(*message_, field_);
}

void TextField::Append(std::string_view more) {
  const Reflection& reflection = *message_->GetReflection();
  std::string scratch;
  const std::string& text = reflection.GetStringReference(*message_, field_, &scratch);
  if (text.empty()) return reflection.SetString(message_, field_, std::string(more));
  // Reflection can only set a text, which would copy it each time. The reference is to the message's own string, which
  // is as good to be changed, unless the message keeps the text in another way.
  if (&text != &scratch) return static_cast<void>(const_cast<std::string&>(text).append(more));
  reflection.SetString(message_, field_, scratch.append(more));
}

void TextField::Truncate(std::size_t size) {
  const Reflection& reflection = *message_->GetReflection();
  std::string text = reflection.GetString(*message_, field_);
  if (size >= text.size()) return;
  text.resize(size);
  reflection.SetString(message_, field_, std::move(text));
}

}  // namespace warppool::internal
