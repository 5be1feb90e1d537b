// The floor of the benchmarks that use the network: libcurl's multi interface with epoll, told to do what the client
// tells it, sends the same bytes and throws away what comes.
#pragma once

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/host.h"
#include "measured_program.h"
#include "protocol/request_builder.h"
#include "warppool/config.h"

namespace measured {

inline std::string MakeBody(int query_bytes) {
  const warppool::Request request(std::string(static_cast<std::size_t>(query_bytes), 'q'));
  return warppool::internal::RequestBuilder::Create(request)->Serialize({}, "");
}

inline std::vector<std::string> MakeHeaders(const Arguments& arguments) {
  std::vector<std::string> lines{"Authorization: Bearer " + arguments.api_key,
                                 "Content-Type: application/x-protobuf",
                                 "Accept: text/event-stream",
                                 "X-Warp-Client-ID: warppool",
                                 "X-Warp-Client-Version: " + warppool::Config().client_version,
                                 "Expect:"};
  for (const auto& [name, value] : warppool::internal::HostHeaders(warppool::internal::ReadHost())) {
    lines.push_back(name + ": " + value);
  }
  return lines;
}

// Not thread-safe, but for Post().
class BareClient {
 public:
  explicit BareClient(const Arguments& arguments)
      : arguments_(arguments),
        url_(arguments.url + "/ai/multi-agent"),
        body_(MakeBody(arguments.query_bytes)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        multi_(curl_multi_init()) {
    for (const std::string& line : MakeHeaders(arguments)) headers_ = curl_slist_append(headers_, line.c_str());
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = wake_;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &BareClient::OnSocket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &BareClient::OnTimer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }
  ~BareClient() {
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
    close(wake_);
    close(epoll_);
  }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  // Runs so many at the same time. False: one of them failed.
  bool Run(int count) {
    for (int i = 0; i < count; ++i) Add();
    while (running_ > 0) Turn();
    return !failed_;
  }

  // Runs what other threads post, and calls `on_done` for each when it is over. Ends after Post(kStop).
  void Serve(std::function<void(bool ok)> on_done) {
    on_done_ = std::move(on_done);
    while (!stopped_) Turn();
  }

  // From any thread.
  enum Task { kRequest, kStop };
  void Post(Task task) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      posted_.push_back(task);
    }
    eventfd_write(wake_, 1);
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  CURL* MakeEasy() {
    CURL* easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "identity");
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body_.data());
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, url_.rfind("https:", 0) == 0 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (!arguments_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, arguments_.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &BareClient::OnBody);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    return easy;
  }

  // One round of the loop.
  void Turn() {
    int wait = -1;
    if (deadline_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
      wait = static_cast<int>(std::max<long>(left.count(), 0));
    }
    std::array<epoll_event, 256> events;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait);
    int running = 0;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == wake_) {
        TakePosted();
        continue;
      }
      int action = 0;
      if ((event.events & EPOLLIN) != 0) action |= CURL_CSELECT_IN;
      if ((event.events & EPOLLOUT) != 0) action |= CURL_CSELECT_OUT;
      if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) action |= CURL_CSELECT_ERR;
      curl_multi_socket_action(multi_, event.data.fd, action, &running);
    }
    if (deadline_ && std::chrono::steady_clock::now() >= *deadline_) {
      deadline_.reset();
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    while (const CURLMsg* message = curl_multi_info_read(multi_, &running)) Finish(message);
  }

  void TakePosted() {
    eventfd_t count = 0;
    eventfd_read(wake_, &count);
    std::vector<Task> tasks;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      tasks.swap(posted_);
    }
    for (const Task task : tasks) {
      if (task == kStop) {
        stopped_ = true;
      } else {
        Add();
      }
    }
  }

  void Add() {
    curl_multi_add_handle(multi_, MakeEasy());
    ++running_;
  }

  void Finish(const CURLMsg* message) {
    CURL* easy = message->easy_handle;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (message->data.result != CURLE_OK || status != 200) {
      std::fprintf(stderr, "a stream failed: %s, status %ld\n", curl_easy_strerror(message->data.result), status);
      failed_ = true;
    }
    curl_multi_remove_handle(multi_, easy);
    curl_easy_cleanup(easy);
    --running_;
    if (on_done_) on_done_(!failed_);
  }

  static int OnSocket(CURL* /*easy*/, curl_socket_t socket, int what, void* self, void* known) {
    auto* client = static_cast<BareClient*>(self);
    epoll_event event{};
    event.data.fd = socket;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) event.events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) event.events |= EPOLLOUT;
    const int operation = what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL : known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    epoll_ctl(client->epoll_, operation, socket, &event);
    curl_multi_assign(client->multi_, socket, what == CURL_POLL_REMOVE ? nullptr : self);
    return 0;
  }

  static int OnTimer(CURLM* /*multi*/, long milliseconds, void* self) {
    auto* client = static_cast<BareClient*>(self);
    client->deadline_.reset();
    if (milliseconds >= 0)
      client->deadline_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    return 0;
  }

  static std::size_t OnBody(char* /*data*/, std::size_t size, std::size_t count, void* self) {
    static_cast<BareClient*>(self)->bytes_ += size * count;
    return size * count;
  }

  const Arguments& arguments_;
  const std::string url_;
  const std::string body_;
  const int epoll_;
  const int wake_;
  CURLM* const multi_;
  curl_slist* headers_ = nullptr;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  int running_ = 0;
  bool failed_ = false;
  bool stopped_ = false;
  std::function<void(bool ok)> on_done_;
  std::mutex mutex_;
  std::vector<Task> posted_;  // under the mutex
  std::uint64_t bytes_ = 0;
};

}  // namespace measured
