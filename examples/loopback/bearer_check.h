// Who asks: what the agent and the account endpoint have in common.
#pragma once

#include <httplib.h>

#include <functional>
#include <string>

#include "ledger.h"
#include "reply.h"

namespace loopback {

// {"error": message}. An empty `complaint` is none.
Reply RefuseRequest(int status, const std::string& message, const std::string& complaint);

// What `answer` says to the token of an accepted bearer; 401 for any other.
Reply WithBearer(const httplib::Request& request, Ledger* ledger,
                 const std::function<Reply(const std::string& token)>& answer);

}  // namespace loopback
