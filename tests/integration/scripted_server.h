// A TCP server whose connections do what a test says, byte by byte.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "catch.h"

namespace warppool {

class ScriptedServer {
 public:
  // One connection, in a thread of its own. What it waits for ends when the client or the server is gone.
  class Connection {
   public:
    explicit Connection(int fd) : fd_(fd) {}

    // The head of the next request, and its body if it has a Content-Length. False: the client is gone.
    bool ReadRequest() {
      std::size_t end = std::string::npos;
      while ((end = head_.find("\r\n\r\n")) == std::string::npos) {
        if (Read(&head_, 4096) <= 0) return false;
      }
      body_ = head_.substr(end + 4);
      head_.resize(end + 4);
      const std::size_t at = head_.find("Content-Length: ");
      const auto length = at == std::string::npos ? 0 : std::strtoul(head_.c_str() + at + 16, nullptr, 10);
      while (body_.size() < length) {
        if (Read(&body_, 4096) <= 0) return false;
      }
      return true;
    }
    // What the client sent; the next request's begins anew.
    std::string TakeRequest() {
      std::string request = std::exchange(head_, {}) + body_;
      body_.clear();
      return request;
    }
    ssize_t Read(std::string* to, std::size_t most) {
      std::string bytes(most, '\0');
      const ssize_t count = recv(fd_, bytes.data(), bytes.size(), 0);
      if (count > 0) to->append(bytes, 0, static_cast<std::size_t>(count));
      return count;
    }
    // False: the client is gone. On loopback, it has them when this returns.
    bool Send(std::string_view bytes) {
      return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }
    bool SendJson(const std::string& json) {
      return Send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                  std::to_string(json.size()) + "\r\n\r\n" + json);
    }
    // Until the client closes it.
    void AwaitEnd() {
      std::string rest;
      while (Read(&rest, 4096) > 0) rest.clear();
    }

   private:
    const int fd_;
    std::string head_;
    std::string body_;
  };
  using Script = std::function<void(Connection* connection)>;

  // `receive_buffer`: of each connection, in bytes; 0: the system's.
  explicit ScriptedServer(Script script, int receive_buffer = 0) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(listener_ >= 0);
    if (receive_buffer > 0) {
      REQUIRE(setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) == 0);
    }
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    accepter_ = std::thread([this] { Accept(); });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    accepter_.join();
    for (auto& [fd, thread] : connections_) shutdown(fd, SHUT_RDWR);
    for (auto& [fd, thread] : connections_) {
      thread.join();
      close(fd);
    }
    close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return static_cast<int>(connections_.size());
  }

 private:
  void Accept() {
    while (true) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard<std::mutex> lock(mutex_);
      connections_.emplace_back(fd, std::thread([this, fd] {
                                  Connection connection(fd);
                                  script_(&connection);
                                  shutdown(fd, SHUT_RDWR);
                                }));
    }
  }

  const Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::thread accepter_;
  mutable std::mutex mutex_;
  std::list<std::pair<int, std::thread>> connections_;  // changed by the accepter's thread alone
};

}  // namespace warppool
