// cpp-httplib's server for connections that it did not make itself, whatever its version: newer ones want to be told
// the addresses of both ends of a connection.
#pragma once

#include <httplib.h>

#include <string>

namespace loopback {

class ConnectionServer : public httplib::Server {
 protected:
  // Reads and answers one request. False: the connection is not good for another one. So it is after `closed`, too.
  bool ServeRequest(httplib::Stream& stream, bool close_afterwards, bool& closed) {
    return ServeRequestBy(*this, stream, close_afterwards, closed);
  }

 private:
  // A template, since only then may the branch for the other version fail to compile.
  template <typename This>
  static bool ServeRequestBy(This& server, httplib::Stream& stream, bool close_afterwards, bool& closed) {
    if constexpr (requires { server.process_request(stream, close_afterwards, closed, nullptr); }) {
      return server.process_request(stream, close_afterwards, closed, nullptr);
    } else {
      std::string peer;
      std::string own;
      int peer_port = 0;
      int own_port = 0;
      stream.get_remote_ip_and_port(peer, peer_port);
      stream.get_local_ip_and_port(own, own_port);
      return server.process_request(stream, peer, peer_port, own, own_port, close_afterwards, closed, nullptr);
    }
  }
};

}  // namespace loopback
