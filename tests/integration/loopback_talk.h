// A conversation with the loopback service, held as a client holds it that does everything right.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "history_check.h"
#include "loopback.h"
#include "loopback_probe.h"
#include "task_list.h"

namespace probe {

using loopback::TaskList;
using loopback::Tasks;
using warppool::wire::Request;

class Talk {
 public:
  Talk(const loopback::Service& service, std::string bearer) : service_(service), bearer_(std::move(bearer)) {}

  // Posts this with the conversation as it stands, and follows the answer, at most up to so many events. When
  // `leave_at` have come, it breaks the connection. The status; 0: there was none.
  int Send(Request request, int events = kAll, int leave_at = kAll) {
    if (!id.empty()) request.mutable_metadata()->set_conversation_id(id);
    *request.mutable_task_context() = tasks;
    httplib::Request post;
    post.method = "POST";
    post.path = "/ai/multi-agent";
    post.headers = AgentHeaders(bearer_);
    post.set_header("Content-Type", kProtobuf);
    post.body = request.SerializeAsString();
    std::string body;
    int status = 0;
    post.response_handler = [&](const httplib::Response& response) {
      status = response.status;
      return true;
    };
    post.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
      body.append(data, size);
      return leave_at == kAll || CountEvents(body) < leave_at;
    };
    Connect(service_)->send(post);
    kinds = Read(body).kinds;
    text = Read(body).text;
    if (status == 200) Follow(body, events);
    return status;
  }
  int Ask(const std::string& query = "hello") { return Send(WireRequest(query)); }
  int Resume() {
    Request request = WireRequest("");
    request.mutable_input()->mutable_resume_conversation();
    return Send(request);
  }

  // Of the first task.
  const google::protobuf::RepeatedPtrField<warppool::wire::Message>& messages() const {
    return tasks.tasks(0).messages();
  }
  bool IsAsTheServiceHasIt() const { return service_.TasksOf(id) == loopback::Bytes(tasks); }

  std::string id;
  Tasks tasks;
  // Of the last answer.
  std::string kinds;
  std::string text;
  int illegal = 0;  // actions that could not be applied

 private:
  static constexpr int kAll = 1'000'000;

  static int CountEvents(std::string_view body) {
    int count = 0;
    for (auto at = body.find("\n\n"); at != std::string_view::npos; at = body.find("\n\n", at + 2)) ++count;
    return count;
  }
  void Follow(const std::string& body, int most) {
    TaskList list(tasks);
    illegal = 0;
    const auto whole = body.rfind("\n\n");
    const auto events = Decode(whole == std::string::npos ? "" : body.substr(0, whole + 2));
    if (!events) return;
    for (const auto& event : *events) {
      if (most-- <= 0) break;
      if (event.has_init()) id = event.init().conversation_id();
      for (const auto& action : event.client_actions().actions()) illegal += list.Apply(action).empty() ? 0 : 1;
    }
    tasks = list.settled();
  }

  const loopback::Service& service_;
  const std::string bearer_;
};

}  // namespace probe
