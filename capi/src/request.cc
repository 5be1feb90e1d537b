#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "guard.h"

using warppool::Request;
using warppool::Status;
using warppool::Tool;
using warppool::capi::AtLeast;
using warppool::capi::Clear;
using warppool::capi::Destroy;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;
using warppool::capi::ZeroOrOne;

namespace {

warppool_code SetText(warppool_request* request, std::string Request::*field, const char* value,
                      warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{request, "request"}, {value, "value"}}); !status.ok()) return status;
    request->request.*field = value;
    return Status();
  });
}

}  // namespace

warppool_code warppool_request_create(const char* query, warppool_request** request, warppool_error** error) {
  Clear(request);
  return Guard(error, [&] {
    if (Status status = NotNull({{query, "query"}, {request, "request"}}); !status.ok()) return status;
    *request = new warppool_request{Request(query)};
    return Status();
  });
}

warppool_code warppool_request_copy(const warppool_request* request, warppool_request** copy, warppool_error** error) {
  Clear(copy);
  return Guard(error, [&] {
    if (Status status = NotNull({{request, "request"}, {copy, "copy"}}); !status.ok()) return status;
    *copy = new warppool_request(*request);
    return Status();
  });
}

warppool_code warppool_request_set_query(warppool_request* request, const char* value, warppool_error** error) {
  return SetText(request, &Request::query, value, error);
}

warppool_code warppool_request_set_model(warppool_request* request, const char* value, warppool_error** error) {
  return SetText(request, &Request::model, value, error);
}

warppool_code warppool_request_set_system_prompt(warppool_request* request, const char* value, warppool_error** error) {
  return SetText(request, &Request::system_prompt, value, error);
}

warppool_code warppool_request_set_timeout_ms(warppool_request* request, int32_t value, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{request, "request"}}); !status.ok()) return status;
    if (Status status = AtLeast(0, value, "value"); !status.ok()) return status;
    request->request.timeout = std::chrono::milliseconds(value);
    return Status();
  });
}

warppool_code warppool_request_set_wait_for_token(warppool_request* request, int32_t value, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{request, "request"}}); !status.ok()) return status;
    if (Status status = ZeroOrOne(value, "value"); !status.ok()) return status;
    request->request.wait_for_token = value == 1;
    return Status();
  });
}

warppool_code warppool_request_set_allowed_tools(warppool_request* request, const warppool_tool* tools, size_t count,
                                                 warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{request, "request"}, {tools, "tools"}}); !status.ok()) return status;
    if (count == 0) return Invalid("count", "must be 1 or more");
    std::vector<Tool> allowed;
    for (size_t i = 0; i < count; ++i) {
      if (tools[i] != WARPPOOL_TOOL_CALL_MCP_TOOL) {
        return Invalid("tools", "holds something that is none of warppool_tool");
      }
      allowed.push_back(static_cast<Tool>(tools[i]));
    }
    request->request.allowed_tools = std::move(allowed);
    return Status();
  });
}

warppool_code warppool_request_set_logging(warppool_request* request, const char* key, const char* value,
                                           warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{request, "request"}, {key, "key"}}); !status.ok()) return status;
    if (value == nullptr) {
      request->request.logging.erase(key);
    } else {
      request->request.logging[key] = value;
    }
    return Status();
  });
}

void warppool_request_destroy(warppool_request** request) {
  Destroy(request);
}
