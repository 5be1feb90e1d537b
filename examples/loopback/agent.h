// POST /ai/multi-agent: a Request in, a stream of events out.
#pragma once

#include <httplib.h>

#include "conversation_book.h"
#include "ledger.h"
#include "reply.h"

namespace loopback {

Reply AnswerAgent(const httplib::Request& request, Ledger* ledger, ConversationBook* book);

}  // namespace loopback
