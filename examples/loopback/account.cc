#include "account.h"

#include <string>
#include <utility>

#include "base/json.h"
#include "bearer_check.h"
#include "encoding.h"

namespace loopback {
namespace {

constexpr const char* kOperation = "GetRequestLimitInfo";

// What is wrong with the parts outside the body; empty: nothing.
std::string CheckHead(const httplib::Request& request) {
  if (request.get_header_value("Content-Type") != "application/json") return "Content-Type is not application/json";
  const auto fields = DecodeForm(QueryOf(request.target));
  if (!fields) return "the query is not properly encoded";
  const auto op = fields->find("op");
  if (op == fields->end() || op->second != kOperation) return std::string("op is not ") + kOperation;
  return "";
}

std::string CheckBody(const std::string& body) {
  const auto json = warppool::internal::FlatJson::Parse(body);
  if (!json) return "the body is " + json.status().message();
  const std::string* query = json->Find("query");
  if (query == nullptr) return "query is missing";
  if (query->find("requestLimitInfo") == std::string::npos) return "query does not ask for requestLimitInfo";
  const std::string* operation = json->Find("operationName");
  if (operation == nullptr || *operation != kOperation) return std::string("operationName is not ") + kOperation;
  for (const char* path : {"clientContext.version", "osContext.category"}) {
    const std::string* value = json->Find(std::string("variables.requestContext.") + path);
    if (value == nullptr || value->empty()) return std::string("variables.requestContext.") + path + " is missing";
  }
  return "";
}

std::string GrantsJson(const Ledger::QuotaNow& quota) {
  if (quota.bonus == 0) return "[]";
  const std::string credits = std::to_string(quota.bonus);
  return R"([{"requestCreditsGranted":)" + credits + R"(,"requestCreditsRemaining":)" + credits + R"(,"expiration":")" +
         DateString(quota.bonus_end) + R"("}])";
}

std::string QuotaJson(const Ledger::QuotaNow& quota) {
  return R"({"data":{"user":{"__typename":"UserOutput","user":{"requestLimitInfo":{"isUnlimited":)" +
         std::string(quota.unlimited ? "true" : "false") + R"(,"requestsUsedSinceLastRefresh":)" +
         std::to_string(quota.used) + R"(,"requestLimit":)" + std::to_string(quota.limit) + R"(,"nextRefreshTime":")" +
         DateString(quota.next_refresh) + R"(","requestLimitRefreshDuration":"MONTHLY"},"bonusGrants":)" +
         GrantsJson(quota) + "}}}}";
}

Reply AnswerAccepted(const httplib::Request& request, const std::string& token, Ledger* ledger) {
  std::string complaint = CheckHead(request);
  if (complaint.empty()) complaint = CheckBody(request.body);
  if (!complaint.empty()) return RefuseRequest(400, complaint, complaint);

  Behaviour behaviour = ledger->NextBehaviour(Endpoint::kAccount, token);
  if (behaviour.kind != Behaviour::Kind::kOk) return ScriptedReply(std::move(behaviour));
  Reply reply = JsonReply(200, QuotaJson(ledger->QuotaOf(token)));
  reply.behaviour = std::move(behaviour);
  return reply;
}

}  // namespace

Reply AnswerAccount(const httplib::Request& request, Ledger* ledger) {
  return WithBearer(request, ledger, [&](const std::string& token) { return AnswerAccepted(request, token, ledger); });
}

}  // namespace loopback
