// A proxy that wants a log-in, and takes every CONNECT to one port of this machine, whatever host it names.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <string>
#include <thread>
#include <utility>

#include "catch.h"

namespace warppool {

class TunnelProxy {
 public:
  // `authorization`: the value that Proxy-Authorization must have.
  TunnelProxy(int port, std::string authorization) : target_(port), authorization_(std::move(authorization)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    socklen_t length = sizeof address;
    REQUIRE(listener_ >= 0);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~TunnelProxy() {
    stopped_ = true;
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& tunnel : tunnels_) tunnel.join();
    close(listener_);
  }
  TunnelProxy(const TunnelProxy&) = delete;
  TunnelProxy& operator=(const TunnelProxy&) = delete;

  std::string Address() const { return "127.0.0.1:" + std::to_string(port_); }
  int tunnels() const { return connected_; }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void Accept() {
    while (!stopped_) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client >= 0) tunnels_.emplace_back([this, client] { Serve(client); });
    }
  }

  void Serve(int client) {
    std::string head;
    char byte = 0;
    while (head.find("\r\n\r\n") == std::string::npos && recv(client, &byte, 1, 0) == 1) head += byte;
    const bool allowed = head.find("\r\nProxy-Authorization: " + authorization_ + "\r\n") != std::string::npos;
    const int server = allowed && head.rfind("CONNECT ", 0) == 0 ? Connect() : -1;
    const std::string answer =
        server >= 0 ? "HTTP/1.1 200 connected\r\n\r\n"
                    : "HTTP/1.1 407 no\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
    static_cast<void>(send(client, answer.data(), answer.size(), MSG_NOSIGNAL));
    if (server >= 0) {
      ++connected_;
      Relay(client, server);
      close(server);
    }
    close(client);
  }

  int Connect() const {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(target_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return server;
    close(server);
    return -1;
  }

  // Until either end is closed.
  void Relay(int client, int server) const {
    constexpr int kLookMs = 100;
    pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    char bytes[16384];
    while (!stopped_) {
      if (poll(ends, 2, kLookMs) < 0) continue;
      for (int i = 0; i < 2; ++i) {
        if (ends[i].revents == 0) continue;
        const ssize_t count = recv(ends[i].fd, bytes, sizeof bytes, 0);
        if (count <= 0) return;
        for (ssize_t sent = 0; sent < count;) {
          const ssize_t more = send(ends[1 - i].fd, bytes + sent, static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
          if (more <= 0) return;
          sent += more;
        }
      }
    }
  }

  const int target_;
  const std::string authorization_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopped_{false};
  std::atomic<int> connected_{0};
  std::thread acceptor_;
  std::list<std::thread> tunnels_;  // of acceptor_
};

}  // namespace warppool
