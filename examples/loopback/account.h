// POST /graphql/v2?op=GetRequestLimitInfo: what is left of the account's quota.
#pragma once

#include <httplib.h>

#include "ledger.h"
#include "reply.h"

namespace loopback {

Reply AnswerAccount(const httplib::Request& request, Ledger* ledger);

}  // namespace loopback
