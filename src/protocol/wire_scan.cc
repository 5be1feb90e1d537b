#include "protocol/wire_scan.h"

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

struct MessageShape {
  struct Field {
    const MessageShape* message = nullptr;
    bool is_text = false;
  };
  const Descriptor* descriptor = nullptr;
  std::vector<Field> fields;  // by number: the schema's are small

  const Field* Find(std::uint32_t number) const { return number < fields.size() ? &fields[number] : nullptr; }
};

namespace {

using MessageShapes = std::map<const Descriptor*, MessageShape>;

const MessageShape* AddShape(const Descriptor& type, MessageShapes* shapes) {
  const auto [it, is_new] = shapes->try_emplace(&type);
  MessageShape& shape = it->second;
  if (!is_new) return &shape;
  shape.descriptor = &type;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const auto number = static_cast<std::size_t>(field.number());
    if (shape.fields.size() <= number) shape.fields.resize(number + 1);
    const bool is_message = field.type() == FieldDescriptor::TYPE_MESSAGE;
    shape.fields[number] = {is_message ? AddShape(*field.message_type(), shapes) : nullptr, IsText(field)};
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
  frames_.assign(1, {&root_, at_, at_ + bytes.size(), 0});
  scan.messages = 1;
  scan.result = Run(&scan);
  return scan;
}

WireScan::Result WireScanner::Enter(const Frame& frame, WireScan* scan) {
  if (frames_.size() > max_depth_) return WireScan::Result::kTooDeep;
  ++scan->messages;
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
      frames_.pop_back();
      if (frames_.empty()) return Result::kFine;
      continue;
    }
    const char* const start = at_;
    if (!TakeTag(&at_, frame.end, &number, &type)) return Result::kMalformed;
    if (type == kStartGroup) {
      if (Enter({nullptr, at_, frame.end, number}, scan) != Result::kFine) return Result::kTooDeep;
      continue;
    }
    if (type == kEndGroup) {
      if (frame.shape != nullptr || frame.field != number) return Result::kMalformed;
      frames_.pop_back();
      continue;
    }
    const MessageShape::Field* field = type == kLength && frame.shape != nullptr ? frame.shape->Find(number) : nullptr;
    if (field == nullptr) {
      if (!Skip(type, &at_, frame.end)) return Result::kMalformed;
      continue;
    }
    if (!TakeLength(&at_, frame.end, &length)) return Result::kMalformed;
    if (field->message != nullptr) {
      if (Enter({field->message, at_, at_ + length, number}, scan) != Result::kFine) return Result::kTooDeep;
      continue;
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
