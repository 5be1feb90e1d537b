// Talks to the loopback service without the library that it is there to test: well-formed requests to start from, and a
// look at answers byte by byte.
#pragma once

#include <httplib.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base64url.h"
#include "loopback.h"
#include "warppool/wire/request.pb.h"
#include "warppool/wire/response.pb.h"

namespace probe {

// While it lives, the process survives a write to a broken connection: httplib's client does not see to that itself.
class SigpipeIgnored {
 public:
  SigpipeIgnored() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before_);
  }
  ~SigpipeIgnored() { sigaction(SIGPIPE, &before_, nullptr); }
  SigpipeIgnored(const SigpipeIgnored&) = delete;
  SigpipeIgnored& operator=(const SigpipeIgnored&) = delete;

 private:
  struct sigaction before_ {};
};

inline constexpr const char* kForm = "application/x-www-form-urlencoded";
inline constexpr const char* kProtobuf = "application/x-protobuf";

inline std::unique_ptr<httplib::Client> Connect(const loopback::Service& service) {
  auto client = std::make_unique<httplib::Client>(service.url());
  if (!service.ca_file().empty()) client->set_ca_cert_path(service.ca_file());
  client->set_read_timeout(60);  // a guard: nothing here takes that long
  client->set_keep_alive(true);
  client->set_tcp_nodelay(true);
  return client;
}

// The string behind "name": in flat JSON.
inline std::string Field(const std::string& json, const std::string& name) {
  const std::string label = "\"" + name + "\":\"";
  const auto begin = json.find(label);
  if (begin == std::string::npos) return "";
  return json.substr(begin + label.size(), json.find('"', begin + label.size()) - begin - label.size());
}

inline std::string ExchangeBody(const std::string& encoded_token) {
  return "grant_type=refresh_token&refresh_token=" + encoded_token;
}

inline httplib::Result Exchange(const loopback::Service& service, const std::string& encoded_token,
                                const std::string& path = "/proxy/token") {
  return Connect(service)->Post(path, ExchangeBody(encoded_token), kForm);
}

// The status; -1 when there is no answer.
inline int Status(const httplib::Result& result) {
  return result ? result->status : -1;
}

// A JWT for it; empty when the exchange fails.
inline std::string Login(const loopback::Service& service, const std::string& token) {
  const auto result = Exchange(service, token);
  return result ? Field(result->body, "id_token") : "";
}

inline httplib::Headers AgentHeaders(const std::string& bearer) {
  return {{"Authorization", "Bearer " + bearer},
          {"Accept", "text/event-stream"},
          {"X-Warp-Client-ID", "probe"},
          {"X-Warp-Client-Version", "v0"},
          {"X-Warp-OS-Category", "Linux"},
          {"X-Warp-OS-Name", "Debian"},
          {"X-Warp-OS-Version", "12"}};
}

inline warppool::wire::Request WireRequest(const std::string& query) {
  warppool::wire::Request request;
  request.mutable_task_context();
  request.mutable_input()->mutable_user_inputs()->add_inputs()->mutable_user_query()->set_query(query);
  request.mutable_settings()->add_supported_tools(warppool::wire::CALL_MCP_TOOL);
  return request;
}

inline httplib::Result Ask(const loopback::Service& service, const std::string& bearer,
                           const std::string& query = "hello") {
  return Connect(service)->Post("/ai/multi-agent", AgentHeaders(bearer), WireRequest(query).SerializeAsString(),
                                kProtobuf);
}

inline constexpr const char* kAccountPath = "/graphql/v2?op=GetRequestLimitInfo";

inline std::string AccountBody() {
  return R"({"query":"query GetRequestLimitInfo($requestContext: RequestContext!) { user(requestContext: )"
         R"($requestContext) { ... on UserOutput { user { requestLimitInfo { requestLimit } } } } }",)"
         R"("variables":{"requestContext":{"clientContext":{"version":"v0"},"osContext":{"category":"Linux",)"
         R"("name":null,"version":null,"linuxKernelVersion":null}}},"operationName":"GetRequestLimitInfo"})";
}

inline httplib::Result AskAccount(const loopback::Service& service, const std::string& bearer) {
  return Connect(service)->Post(kAccountPath, {{"Authorization", "Bearer " + bearer}}, AccountBody(),
                                "application/json");
}

// Nothing when a part of `body` is no whole event that decodes.
inline std::optional<std::vector<warppool::wire::ResponseEvent>> Decode(std::string_view body) {
  constexpr std::string_view kPrefix = "data: ";
  std::vector<warppool::wire::ResponseEvent> events;
  while (!body.empty()) {
    const auto end = body.find("\n\n");
    if (body.substr(0, kPrefix.size()) != kPrefix || end == std::string_view::npos) return std::nullopt;
    std::string bytes;
    const auto data = body.substr(kPrefix.size(), end - kPrefix.size());
    if (data.size() % 4 != 0 || warppool::internal::DecodeBase64Url(data, &bytes)) return std::nullopt;
    if (!events.emplace_back().ParseFromString(bytes)) return std::nullopt;
    body.remove_prefix(end + 2);
  }
  return events;
}

struct Told {
  // One letter for each event: i(nit), c(reate task), m(essage), a(ppend), f(inished), ? for others. What the request
  // brought, which comes with the first message, has none.
  std::string kinds;
  std::string text;  // put together
  warppool::wire::ResponseEvent::StreamInit init;
  warppool::wire::ResponseEvent::StreamFinished finished;
  std::string task_id;
};

inline void ReadAction(const warppool::wire::ClientAction& action, Told* told) {
  if (action.has_create_task()) {
    told->kinds += 'c';
    told->task_id = action.create_task().task().id();
  } else if (action.has_add_messages_to_task() && action.add_messages_to_task().messages_size() == 1) {
    told->kinds += 'm';
    told->task_id = action.add_messages_to_task().task_id();
    told->text = action.add_messages_to_task().messages(0).agent_output().text();
  } else if (action.has_append_to_message_content() &&
             action.append_to_message_content().mask().paths(0) == "agent_output.text") {
    told->kinds += 'a';
    told->text += action.append_to_message_content().message().agent_output().text();
  } else {
    told->kinds += '?';
  }
}

inline bool AddsInputs(const warppool::wire::ClientAction& action) {
  const auto& messages = action.add_messages_to_task().messages();
  return std::any_of(messages.begin(), messages.end(), [](const warppool::wire::Message& message) {
    return message.has_user_query() || message.has_tool_call_result() || message.has_system_query();
  });
}

// What an answer's body tells; all empty when it does not decode.
inline Told Read(std::string_view body) {
  Told told;
  const auto events = Decode(body);
  if (!events) return told;
  for (const auto& event : *events) {
    if (event.has_init()) {
      told.kinds += 'i';
      told.init = event.init();
    } else if (event.has_finished()) {
      told.kinds += 'f';
      told.finished = event.finished();
    } else {
      const auto& actions = event.client_actions().actions();
      const bool begins_with_inputs = !actions.empty() && AddsInputs(actions[0]);
      const bool has_one_other = actions.size() == (begins_with_inputs ? 2 : 1);
      ReadAction(has_one_other ? *actions.rbegin() : warppool::wire::ClientAction(), &told);
    }
  }
  return told;
}

// An agent request through a bare socket, up to the end of the connection.
struct Bare {
  std::string head;                 // without the empty line
  std::vector<std::string> chunks;  // of the chunked body, whole ones
  bool proper_end = false;          // with the last, empty chunk
  bool reset = false;               // ended by a reset, not by a close

  std::string body() const {
    std::string all;
    for (const auto& chunk : chunks) all += chunk;
    return all;
  }
};

inline std::string Receive(int socket, bool* reset) {
  std::string bytes;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = recv(socket, buffer, sizeof buffer, 0)) > 0) bytes.append(buffer, static_cast<std::size_t>(count));
  *reset = count < 0 && errno == ECONNRESET;
  return bytes;
}

inline Bare AskBare(const loopback::Service& service, const std::string& bearer, const std::string& query = "hello") {
  std::string request = "POST /ai/multi-agent HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
  for (const auto& [name, value] : AgentHeaders(bearer)) request += name + ": " + value + "\r\n";
  const std::string body = WireRequest(query).SerializeAsString();
  request +=
      "Content-Type: application/x-protobuf\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;

  Bare bare;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(service.port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval guard{.tv_sec = 60, .tv_usec = 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
  std::string bytes;
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    bytes = Receive(socket, &bare.reset);
  }
  close(socket);

  const auto gap = bytes.find("\r\n\r\n");
  bare.head = bytes.substr(0, gap);
  std::size_t at = gap == std::string::npos ? bytes.size() : gap + 4;
  while (at < bytes.size()) {
    const auto line = bytes.find("\r\n", at);
    if (line == std::string::npos) break;
    const auto size = std::stoul(bytes.substr(at, line - at), nullptr, 16);
    bare.proper_end = size == 0;
    if (size == 0 || line + 2 + size > bytes.size()) break;
    bare.chunks.push_back(bytes.substr(line + 2, size));
    at = line + 2 + size + 2;
  }
  return bare;
}

}  // namespace probe
