#include "bearer_check.h"

#include <string_view>

#include "encoding.h"

namespace loopback {

Reply RefuseRequest(int status, const std::string& message, const std::string& complaint) {
  Reply reply = JsonReply(status, R"({"error":)" + JsonString(message) + "}");
  reply.complaint = complaint;
  return reply;
}

Reply WithBearer(const httplib::Request& request, Ledger* ledger,
                 const std::function<Reply(const std::string& token)>& answer) {
  const std::string authorization = request.get_header_value("Authorization");
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.compare(0, kScheme.size(), kScheme) != 0) {
    return RefuseRequest(401, "unauthenticated", authorization.empty() ? "Authorization is missing" : "no Bearer");
  }
  const Ledger::Bearer bearer = ledger->CheckBearer(authorization.substr(kScheme.size()));
  Reply reply = bearer.accepted
                    ? answer(bearer.token)
                    : RefuseRequest(401, "unauthenticated",
                                    bearer.is_refresh_token ? "a refresh token was sent as the bearer" : "");
  reply.token = bearer.token;
  return reply;
}

}  // namespace loopback
