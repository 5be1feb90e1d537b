// What the functions that change a request share.
#pragma once

#include <initializer_list>
#include <string>

#include "arguments.h"
#include "guard.h"
#include "warppool/request.h"

namespace warppool::capi {

// Runs `body`, Status(Request*), if none of the pointers is NULL.
template <typename Body>
warppool_code Edit(warppool_request* request, std::initializer_list<Pointer> pointers, warppool_error** error,
                   const Body& body) noexcept {
  return Guard(error, [&] {
    if (Status status = NotNull({{request, "request"}}); !status.ok()) return status;
    if (Status status = NotNull(pointers); !status.ok()) return status;
    return body(&request->request);
  });
}

inline const char* OrEmpty(const char* text) noexcept {
  return text == nullptr ? "" : text;
}

// Bytes that may be NULL if there are none.
Status CheckBytes(const std::uint8_t* bytes, std::size_t length, const char* name);
std::string ToBytes(const std::uint8_t* bytes, std::size_t length);

// Each leaves its last parameter as it was where it fails. The structs are not NULL.
Status ReadTool(warppool_tool given, Tool* tool);
Status ReadDate(std::int64_t unix_ms, const char* name, std::optional<std::chrono::system_clock::time_point>* date);
Status ReadFile(const warppool_file_text* given, FileText* file);
Status ReadShellCommand(const warppool_shell_command* given, ShellCommand* command);

}  // namespace warppool::capi
