// Requests that are made in C and looked at in C++.
#pragma once

#include <warppool.h>

#include "catch.h"
#include "handle.h"
#include "handles.h"

inline const warppool::Request& Peek(const RequestHandle& handle) {
  return static_cast<warppool_request*>(handle)->request;
}

inline void Make(const char* query, RequestHandle* request) {
  REQUIRE(warppool_request_create(query, request->out(), nullptr) == WARPPOOL_OK);
}

inline const uint8_t* Bytes(const char* text) {
  return reinterpret_cast<const uint8_t*>(text);
}

inline warppool_file_text File(const char* path, const char* content, uint32_t first = 0, uint32_t last = 0) {
  warppool_file_text file = WARPPOOL_FILE_TEXT_INIT;
  file.path = path;
  file.content = content;
  file.first_line = first;
  file.last_line = last;
  return file;
}

inline warppool_shell_command Command(const char* command) {
  warppool_shell_command made = WARPPOOL_SHELL_COMMAND_INIT;
  made.command = command;
  return made;
}
