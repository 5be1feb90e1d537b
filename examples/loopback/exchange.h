// POST /proxy/token and POST /v1/token: a refresh token in, a JWT out.
#pragma once

#include <httplib.h>

#include "ledger.h"
#include "reply.h"

namespace loopback {

Reply AnswerExchange(const httplib::Request& request, Ledger* ledger);

}  // namespace loopback
