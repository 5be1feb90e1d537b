#include "protocol/wire_scan.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "protocol/protobuf_version.h"
#include "protocol/text_fields.h"
#include "warppool/wire/request.pb.h"
#include "warppool/wire/response.pb.h"
#include "warppool/wire/saved.pb.h"

namespace warppool::internal {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

namespace {

// What is not the content of a field, in bytes, generously: an allocation's own, a list's place for it (the list grows
// to twice its size, and has the old places meanwhile), a std::string, an unknown field with the set that it is in.
constexpr std::uint32_t kBlock = 16;
constexpr std::uint32_t kPlace = 24;
constexpr std::uint32_t kString = 32 + kBlock + kPlace;
constexpr std::uint32_t kUnknown = 96;
// What a conversation keeps of each beside the message itself, and needs to tell the program of it: entries of an index
// and of a transaction, a change, events with their places in a queue.
constexpr std::uint32_t kOfAction = 900;
constexpr std::uint32_t kOfTask = 1'600;
constexpr std::uint32_t kOfMessage = 1'200;
constexpr std::uint32_t kOfTodo = 900;

// How often the content of a message is in events: as JSON; and again as the arguments of a tool call with its bytes,
// or as items and JSON of a to-do list.
constexpr std::uint8_t kToldOnce = 1;
constexpr std::uint8_t kToldAgain = 3;

// In JSON, with what is around them.
constexpr std::uint32_t kJsonNumber = 26;
constexpr std::uint32_t kJsonMarks = 6;

// Whose texts have so many escapes that it matters is not looked at in smaller ones.
constexpr std::size_t kSmallEvent = 32U << 10U;

}  // namespace

struct MessageShape {
  struct Field {
    const MessageShape* message = nullptr;
    bool is_known = false;
    bool is_text = false;
    bool is_list_of_numbers = false;  // which may come as one field
    std::uint32_t json = 0;           // bytes of its name, and of its value if it is no text
  };
  const Descriptor* descriptor = nullptr;
  std::uint32_t memory = 0;  // of one that is empty
  std::uint8_t told = kToldOnce;
  bool is_message = false;  // of a conversation
  bool is_action = false;
  std::vector<Field> fields;  // by number: the schema's are small

  const Field* Find(std::uint32_t number) const { return number < fields.size() ? &fields[number] : nullptr; }
};

namespace {

std::uint32_t JsonSize(const FieldDescriptor& field) {
  std::size_t value = 0;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    for (int i = 0; i < field.enum_type()->value_count(); ++i) {
      value = std::max(value, field.enum_type()->value(i)->name().size());
    }
  }
  const bool is_number =
      field.cpp_type() != FieldDescriptor::CPPTYPE_STRING && field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
  if (is_number) value = std::max<std::size_t>(value, kJsonNumber);
  return static_cast<std::uint32_t>(field.name().size() + kJsonMarks + value);
}

using MessageShapes = std::map<const Descriptor*, MessageShape>;

const MessageShape* AddShape(const Descriptor& type, MessageShapes* shapes) {
  const auto [it, is_new] = shapes->try_emplace(&type);
  MessageShape& shape = it->second;
  if (!is_new) return &shape;
  shape.descriptor = &type;
  const auto* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type);
  shape.memory = static_cast<std::uint32_t>(prototype->SpaceUsedLong()) + kBlock + kPlace;
  if (&type == wire::ClientAction::descriptor()) shape.memory += kOfAction;
  if (&type == wire::Task::descriptor()) shape.memory += kOfTask;
  if (&type == wire::Message::descriptor()) shape.memory += kOfMessage;
  if (&type == wire::TodoItem::descriptor()) shape.memory += kOfTodo;
  shape.is_message = &type == wire::Message::descriptor();
  shape.is_action = &type == wire::ClientAction::descriptor();
  const bool is_told_again =
      &type == wire::Message::ToolCall::descriptor() || &type == wire::Message::UpdateTodos::descriptor();
  if (is_told_again) shape.told = kToldAgain;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const auto number = static_cast<std::size_t>(field.number());
    if (shape.fields.size() <= number) shape.fields.resize(number + 1);
    const bool is_message = field.type() == FieldDescriptor::TYPE_MESSAGE;
    const bool is_number = !is_message && field.cpp_type() != FieldDescriptor::CPPTYPE_STRING;
    shape.fields[number] = {is_message ? AddShape(*field.message_type(), shapes) : nullptr, true, IsText(field),
                            is_number && field.is_repeated(), JsonSize(field)};
  }
  return &shape;
}

// Never destroyed: a thread may still read an answer when the process ends.
const MessageShapes& AllShapes() {
  static const MessageShapes& shapes = *[] {
    auto made = std::make_unique<MessageShapes>();
    AddShape(*wire::ResponseEvent::descriptor(), made.get());
    AddShape(*wire::Request::descriptor(), made.get());
    AddShape(*wire::SavedConversation::descriptor(), made.get());
    return made.release();
  }();
  return shapes;
}

enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kStartGroup = 3, kEndGroup = 4, kFixed32 = 5 };

// Takes a number of at most `kMost` bytes from the front of what lies before `end`. False: there is none.
template <int kMost>
bool TakeVarint(const char** at, const char* end, std::uint64_t* number) {
  *number = 0;
  for (unsigned i = 0; i < kMost && *at != end; ++i) {
    const auto byte = static_cast<unsigned char>(*(*at)++);
    *number |= static_cast<std::uint64_t>(byte & 0x7FU) << (7 * i);
    if (byte < 0x80) return true;
  }
  return false;
}

// The number of a field, and how its content is written. One of more than 32 bits is none.
bool TakeTag(const char** at, const char* end, std::uint32_t* field, std::uint8_t* type) {
  std::uint64_t tag = 0;
  if (!TakeVarint<5>(at, end, &tag) || tag > 0xFFFFFFFFU) return false;
  *field = static_cast<std::uint32_t>(tag >> 3U);
  *type = tag & 7U;
  return *field != 0;
}

bool TakeLength(const char** at, const char* end, std::size_t* length) {
  std::uint64_t number = 0;
  if (!TakeVarint<5>(at, end, &number) || number > static_cast<std::uint64_t>(end - *at)) return false;
  *length = static_cast<std::size_t>(number);
  return true;
}

// Steps over the content of a field that is no group. False: it is none.
bool Skip(std::uint8_t type, const char** at, const char* end) {
  std::uint64_t number = 0;
  std::size_t length = 0;
  if (type == kVarint) return TakeVarint<10>(at, end, &number);
  if (type == kLength && !TakeLength(at, end, &length)) return false;
  if (type == kFixed64) length = 8;
  if (type == kFixed32) length = 4;
  if (type != kLength && length == 0) return false;
  if (static_cast<std::size_t>(end - *at) < length) return false;
  *at += length;
  return true;
}

// How many values of the field lie between, but for one that is cut off, and those in groups. It has been scanned.
std::size_t CountOf(std::uint32_t counted, const char* at, const char* end) {
  std::size_t count = 0;
  int groups = 0;
  std::uint32_t field = 0;
  std::uint8_t type = 0;
  while (at != end && TakeTag(&at, end, &field, &type)) {
    if (type == kStartGroup || type == kEndGroup) {
      groups += type == kStartGroup ? 1 : -1;
      continue;
    }
    if (!Skip(type, &at, end)) break;
    if (groups == 0 && type == kLength && field == counted) ++count;
  }
  return count;
}

constexpr int kUsualDepth = 100;

}  // namespace

bool IsWellFormed(std::string_view bytes, const Descriptor& type) {
  return WireScanner(type, kUsualDepth).Scan(bytes).result == WireScan::Result::kFine;
}

void LoadMessageShapes() {
  AllShapes();
}

WireScanner::WireScanner(const Descriptor& type, int max_depth)
    : root_(AllShapes().at(&type)), max_depth_(static_cast<std::size_t>(max_depth)) {
  frames_.reserve(max_depth_ + 1);
}

WireScan WireScanner::Scan(std::string_view bytes) {
  WireScan scan;
  at_ = bytes.data();
  frames_.assign(1, {&root_, at_, at_ + bytes.size(), 0, root_.told, 0});
  counts_escapes_ = bytes.size() > kSmallEvent;
  scan.messages = 1;
  scan.memory = root_.memory;
  scan.result = Run(&scan);
  return scan;
}

WireScan::Result WireScanner::Enter(const Frame& frame, WireScan* scan) {
  if (frames_.size() > max_depth_) return WireScan::Result::kTooDeep;
  ++scan->messages;
  scan->memory += frame.shape == nullptr ? 2 * kUnknown : frame.shape->memory;
  if (frame.shape != nullptr && frame.shape->is_action) ++scan->actions;
  frames_.push_back(frame);
  return WireScan::Result::kFine;
}

WireScan::Result WireScanner::Run(WireScan* scan) {
  using Result = WireScan::Result;
  std::uint32_t number = 0;
  std::uint8_t type = 0;
  std::size_t length = 0;
  while (true) {
    const Frame frame = frames_.back();
    if (at_ == frame.end) {
      if (frame.shape == nullptr) return Result::kMalformed;  // a group without its end
      if (frame.shape->is_message) scan->told_at_once = std::max(scan->told_at_once, scan->told - frame.told_before);
      frames_.pop_back();
      if (frames_.empty()) return Result::kFine;
      continue;
    }
    const char* const start = at_;
    if (!TakeTag(&at_, frame.end, &number, &type)) return Result::kMalformed;
    if (type == kStartGroup) {
      if (Enter({nullptr, at_, frame.end, number, frame.told, scan->told}, scan) != Result::kFine)
        return Result::kTooDeep;
      continue;
    }
    if (type == kEndGroup) {
      if (frame.shape != nullptr || frame.field != number) return Result::kMalformed;
      frames_.pop_back();
      continue;
    }
    const MessageShape::Field* field = frame.shape != nullptr ? frame.shape->Find(number) : nullptr;
    const bool is_known = field != nullptr && field->is_known;
    if (!is_known || type != kLength) {
      if (!Skip(type, &at_, frame.end)) return Result::kMalformed;
      // What is unknown is told as bytes only, and only where more is told.
      const auto size = static_cast<std::uint64_t>(at_ - start);
      scan->memory += is_known ? kPlace : kUnknown + size;
      scan->told += (is_known ? field->json : size) * frame.told;
      continue;
    }
    if (!TakeLength(&at_, frame.end, &length)) return Result::kMalformed;
    scan->told += std::uint64_t{field->json} * frame.told;
    if (field->message != nullptr) {
      const std::uint8_t told = std::max(frame.told, field->message->told);
      if (Enter({field->message, at_, at_ + length, number, told, scan->told}, scan) != Result::kFine)
        return Result::kTooDeep;
      continue;
    }
    if (field->is_list_of_numbers) {
      scan->memory += length * kPlace;
      scan->told += length * kJsonNumber * frame.told;
    } else {
      CountText({at_, length}, frame.told, scan);
    }
    if (field->is_text) {
      if (Problem problem = NotUtf8({at_, length})) {
        scan->problem = Place(number, start, std::move(problem));
        return Result::kNotUtf8;
      }
    }
    at_ += length;
  }
}

// Of a text or of bytes, which JSON has in base64.
void WireScanner::CountText(std::string_view text, std::uint8_t told, WireScan* scan) const {
  std::uint64_t json = text.size() + text.size() / 2;
  if (counts_escapes_) {
    std::uint64_t escapes = 0;
    for (const char c : text) escapes += static_cast<unsigned char>(c) < 0x20 ? 5U : (c == '"' || c == '\\' ? 1U : 0U);
    json = text.size() + escapes;
  }
  scan->memory += kString + kBlock + text.size();
  scan->told += json * told;
}

// `at`: where the field begins, with its tag, in the innermost message.
Problem WireScanner::Place(std::uint32_t field, const char* at, Problem problem) const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    const FieldDescriptor& found = *frame->shape->descriptor->FindFieldByNumber(static_cast<int>(field));
    const std::string_view name = SchemaName(found);
    problem = found.is_repeated() ? At(name, CountOf(field, frame->begin, at), std::move(problem))
                                  : At(name, std::move(problem));
    field = frame->field;
    at = frame->begin;
  }
  return problem;
}

}  // namespace warppool::internal
