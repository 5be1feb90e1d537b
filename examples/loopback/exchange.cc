#include "exchange.h"

#include "encoding.h"

namespace loopback {
namespace {

// Firebase's shape of an error.
Reply Refuse(int status, const std::string& message, const std::string& complaint = "") {
  const char* name = status == 403 ? "PERMISSION_DENIED" : "INVALID_ARGUMENT";
  Reply reply = JsonReply(status, R"({"error":{"code":)" + std::to_string(status) + R"(,"message":)" +
                                      JsonString(message) + R"(,"status":")" + name + R"("}})");
  reply.complaint = complaint;
  return reply;
}

std::optional<Reply> CheckKey(const httplib::Request& request, Ledger* ledger) {
  const auto fields = DecodeForm(QueryOf(request.target));
  if (!fields) return Refuse(400, "The query is malformed.", "the query is not properly encoded");
  const auto key = fields->find("key");
  if (key != fields->end()) ledger->AddSecret(key->second);
  const auto required = ledger->required_key();
  if (!required) return std::nullopt;
  if (key == fields->end()) return Refuse(403, "The request is missing a valid API key.");
  if (key->second != *required) return Refuse(400, "API key not valid. Please pass a valid API key.");
  return std::nullopt;
}

std::string SuccessBody(const Ledger::Exchange& exchange) {
  const std::string jwt = JsonString(exchange.jwt);
  return R"({"access_token":)" + jwt + R"(,"expires_in":")" + std::to_string(exchange.behaviour.jwt_life.count()) +
         R"(","token_type":"Bearer","refresh_token":)" + JsonString(exchange.refresh_token) + R"(,"id_token":)" + jwt +
         R"(,"user_id":)" + JsonString(exchange.user_id) + R"(,"project_id":"loopback"})";
}

Reply AnswerToken(const std::string& token, Ledger* ledger) {
  Ledger::Exchange exchange = ledger->ExchangeToken(token);
  if (!exchange.refusal.empty()) return Refuse(400, exchange.refusal);
  if (exchange.behaviour.kind != Behaviour::Kind::kOk) return ScriptedReply(std::move(exchange.behaviour));
  Reply reply = JsonReply(200, SuccessBody(exchange));
  reply.behaviour = std::move(exchange.behaviour);
  return reply;
}

}  // namespace

Reply AnswerExchange(const httplib::Request& request, Ledger* ledger) {
  if (auto refusal = CheckKey(request, ledger)) return *std::move(refusal);
  if (request.get_header_value("Content-Type") != "application/x-www-form-urlencoded") {
    return Refuse(400, "Invalid content type.", "Content-Type is not application/x-www-form-urlencoded");
  }
  const auto fields = DecodeForm(request.body);
  if (!fields) return Refuse(400, "Invalid form.", "the body is not properly percent-encoded");
  const auto grant_type = fields->find("grant_type");
  if (grant_type == fields->end()) return Refuse(400, "MISSING_GRANT_TYPE", "grant_type is missing");
  if (grant_type->second != "refresh_token") {
    return Refuse(400, "INVALID_GRANT_TYPE", "grant_type is not refresh_token");
  }
  const auto token = fields->find("refresh_token");
  if (token == fields->end() || token->second.empty()) {
    return Refuse(400, "MISSING_REFRESH_TOKEN", "refresh_token is missing");
  }
  Reply reply = AnswerToken(token->second, ledger);
  reply.token = token->second;
  return reply;
}

}  // namespace loopback
