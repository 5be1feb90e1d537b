// What an answer says in words: a code for programs, a message for people, and whether it has the service's shape.
#pragma once

#include <string>
#include <string_view>

#include "base/readable.h"
#include "http/transport.h"

namespace warppool::internal {

struct ServiceWords {
  std::string code;                  // of X-Warp-Error-Code, else of the JSON; empty: none
  std::string message;               // the error's own, made readable; empty: none
  std::string display;               // what people are to read, if that is another text
  bool has_header = false;           // there is an X-Warp-* header
  bool is_page = false;              // HTML, by its head or its beginning
  bool is_object = false;            // it begins as a JSON object does
  bool is_stream = false;            // an event stream, by its head: these are the words of its first event
  bool is_error = false;             // a JSON object with "error", "errors", "message", "code" or "userDisplayMessage"
  bool is_graphql = false;           // a JSON object with "data"
  bool is_exchange_success = false;  // a JSON object with what a token exchange brings
};

// By its Content-Type. The case does not matter, and parameters may follow (RFC 9110, section 8.3.1).
bool IsEventStream(const HttpHead& head);

// `body`: without secrets, since its words go into errors.
ServiceWords ReadServiceWords(const HttpHead& head, std::string_view body);

// TOKEN_EXPIRED, but not "Token expired.".
bool IsServiceCode(std::string_view text);

// ", \"text/html\", \"403 Forbidden\"": how an answer looks that is nobody's known one, for an error.
std::string LookOf(const HttpHead& head, std::string_view body);

}  // namespace warppool::internal
