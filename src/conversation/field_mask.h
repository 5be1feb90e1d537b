// Field masks: which fields of a message a client action is about. A path is dotted and begins at the message's root.
// One that the schema does not know is a no-op, so that a newer service breaks nothing. Through a repeated message the
// path leads into each element, and both sides need equally many.
//
// All messages are on the heap, none on an arena.
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <string_view>

#include "warppool/status.h"

namespace warppool::internal {

// Makes the field that `path` names in `to` what it is in `from`: absent there, absent here; lists and maps whole.
// kInvalidAction: lists of different length on the way.
Status ReplaceField(std::string_view path, const google::protobuf::Message& from, google::protobuf::Message* to);

// A text in a message.
class TextField {
 public:
  TextField(google::protobuf::Message* message, const google::protobuf::FieldDescriptor* field)
      : message_(message), field_(field) {}

  std::size_t size() const;
  bool IsSet() const;
  // Amortized constant where the message keeps its texts as std::string, as all versions of protobuf up to 36 do.
  void Append(std::string_view more);
  void Truncate(std::size_t size);

 private:
  google::protobuf::Message* message_;
  const google::protobuf::FieldDescriptor* field_;
};

// Visits each text that `path` names in `to`, with what `from` holds there; what `from` does not have is left out.
// kInvalidAction: it is no text, or lists of different length on the way.
using VisitPair = std::function<Status(TextField text, const std::string& other)>;
Status ForEachText(std::string_view path, const google::protobuf::Message& from, google::protobuf::Message* to,
                   const VisitPair& visit);

// Visits each text that `path` names in `message` itself. False: a part of the way to one is not there.
bool ForEachText(std::string_view path, google::protobuf::Message* message,
                 const std::function<void(TextField text)>& visit);

}  // namespace warppool::internal
