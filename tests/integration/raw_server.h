// A TCP server that answers its first connection with fixed bytes, and keeps what it was sent.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "catch.h"

namespace warppool {

class RawServer {
 public:
  enum AfterAnswer { kEnd, kStall };  // kStall: the connection stays open until the client closes it

  explicit RawServer(std::string answer, AfterAnswer after = kEnd) : answer_(std::move(answer)), after_(after) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(listener_ >= 0);
    REQUIRE(pipe2(stop_, O_CLOEXEC) == 0);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(listen(listener_, 4) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~RawServer() { Join(); }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::string Address() const { return "127.0.0.1:" + std::to_string(port_); }

  // What the connection sent; waits for its end. Empty: nobody came.
  std::string Received() {
    Join();
    return received_;
  }

 private:
  void Serve() {
    // The end is heard only when nobody waits: who came before it is served.
    pollfd ready[] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    int connection = -1;
    while (connection < 0) {
      if (poll(ready, 2, -1) < 0) continue;
      connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0 && ready[1].revents != 0) return;
    }
    char bytes[4096];
    ssize_t count = recv(connection, bytes, sizeof bytes, 0);
    if (count > 0) received_.append(bytes, static_cast<std::size_t>(count));
    static_cast<void>(send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL));
    if (after_ == kEnd) shutdown(connection, SHUT_WR);
    while ((count = recv(connection, bytes, sizeof bytes, 0)) > 0) {
      received_.append(bytes, static_cast<std::size_t>(count));
    }
    close(connection);
  }

  void Join() {
    if (!thread_.joinable()) return;
    close(stop_[1]);
    thread_.join();
    close(stop_[0]);
    close(listener_);
  }

  const std::string answer_;
  const AfterAnswer after_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};  // closed at its end to say that nobody else will come
  int port_ = 0;
  std::thread thread_;
  std::string received_;
};

}  // namespace warppool
