// POST /ai/multi-agent: a Request in, a stream of events out.
#pragma once

#include <httplib.h>

#include "ledger.h"
#include "reply.h"

namespace loopback {

Reply AnswerAgent(const httplib::Request& request, Ledger* ledger);

}  // namespace loopback
