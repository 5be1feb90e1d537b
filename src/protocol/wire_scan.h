// Looks at a serialized message before protobuf parses it: whether it can be parsed, whether each text in it is UTF-8,
// how many messages it would take, and how much memory.
#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/problem.h"

namespace warppool::internal {

// What the scan knows of a message of the schema.
struct MessageShape;

// Makes what the scan knows of the schema. It is done at the first use otherwise.
void LoadMessageShapes();

// How far a scan came, and what stopped it.
struct WireScan {
  enum class Result : std::uint8_t {
    kFine,
    kMalformed,  // protobuf would refuse it
    kTooDeep,    // too many messages lie in one another
    kNotUtf8,    // a text is none; `problem` says which
  };
  Result result = Result::kFine;
  std::size_t messages = 0;  // that protobuf would make, the outermost one and unknown groups included
  std::size_t actions = 0;   // of them, client actions
  // Bytes that it would take at most; what is small is taken for larger than it is.
  std::uint64_t memory = 0;        // as messages, in a conversation
  std::uint64_t told = 0;          // as events, until the program has taken them
  std::uint64_t told_at_once = 0;  // the largest part of those that one message of a conversation makes
  Problem problem{};               // "init.conversation_id: not UTF-8 at byte 3"
};

// Of fields that the schema does not know, or that have another type than it says, nothing is looked at but their
// length, as protobuf does it. What is fine here may still be refused by protobuf, for a list of numbers that breaks
// off in the middle of one. Not thread-safe; its memory is taken once.
class WireScanner {
 public:
  // `type`: a ResponseEvent, a Request, a SavedConversation, or one that lies in them. `max_depth`: as protobuf counts
  // it, how many messages may lie in one another below the outermost one.
  WireScanner(const google::protobuf::Descriptor& type, int max_depth);

  // Of at most 2 GiB, which is more than protobuf reads.
  WireScan Scan(std::string_view bytes);

 private:
  // A message, or a group that the schema does not know, that the scan is in.
  struct Frame {
    const MessageShape* shape;  // null: of a group
    const char* begin;          // of its content
    const char* end;            // of its content; of a group: of the message around it
    std::uint32_t field;        // that it is of the message around it
    std::uint8_t told;          // how often its content is in events
    std::uint64_t told_before;  // WireScan::told when it began
  };
  WireScan::Result Run(WireScan* scan);
  WireScan::Result Enter(const Frame& frame, WireScan* scan);
  void CountText(std::string_view text, std::uint8_t told, WireScan* scan) const;
  Problem Place(std::uint32_t field, const char* at, Problem problem) const;

  const MessageShape& root_;
  const std::size_t max_depth_;
  std::vector<Frame> frames_;
  bool counts_escapes_ = false;
  const char* at_ = nullptr;
};

// Whether a scan finds nothing wrong, with as many messages in one another as protobuf's parsers go through by
// themselves.
bool IsWellFormed(std::string_view bytes, const google::protobuf::Descriptor& type);

}  // namespace warppool::internal
