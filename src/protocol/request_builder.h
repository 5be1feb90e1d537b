// A Request as the service's message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "warppool/request.h"
#include "warppool/status.h"
#include "warppool/wire/request.pb.h"

namespace warppool::internal {

// All of a request but the conversation that it belongs to, in bytes that are ready to be sent any number of times.
// Movable. Not thread-safe.
class RequestBuilder {
 public:
  // kInvalidArgument names the field and the place in it: "tool_results[2].output: ...", "context.files[0].content: not
  // UTF-8 at byte 7". No error quotes a key. The system prompt is a part of the query: it is sent with one only.
  static Result<RequestBuilder> Create(const Request& request);

  // The bytes to post: the request with a conversation's tasks, which may be none, and its id; empty: a new one.
  // The tasks are written where they are, no message is copied. Empty: it would have more than 2 GiB, which is more
  // than any message can have.
  //
  // Of a raw request: its bytes, whatever the arguments.
  std::string Serialize(const wire::Request::TaskContext& tasks, std::string_view conversation_id) const;

  // It is not sent again, unless by BecomeResume(): the memory of what was asked is given back.
  void DropQuestion();
  // Turns it into the request that goes on where an answer broke off: no query and no results, the same context.
  // Nothing happens to a raw one.
  void BecomeResume();

  RequestBuilder(RequestBuilder&&) = default;
  RequestBuilder& operator=(RequestBuilder&&) = default;
  ~RequestBuilder();  // it may hold keys of models, and wipes them

 private:
  RequestBuilder() = default;

  // The serialized fields of the wire::Request.
  std::string input_;
  std::size_t context_size_ = 0;  // of the input's first field, which is not a part of the question
  std::string settings_;
  std::string metadata_;     // without the conversation's id
  std::string mcp_context_;  // empty: none
  std::string raw_;          // sent instead of all that, if not empty
};

}  // namespace warppool::internal
