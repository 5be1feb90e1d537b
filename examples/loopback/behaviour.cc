#include <stdexcept>

#include "answer_stream.h"
#include "encoding.h"
#include "loopback.h"

namespace loopback {

Behaviour Ok() {
  return {};
}

Behaviour Status(int status, std::string body) {
  Behaviour behaviour;
  behaviour.kind = Behaviour::Kind::kStatus;
  behaviour.status = status;
  behaviour.body = std::move(body);
  return behaviour;
}

Behaviour Quota() {
  return Status(429, R"({"error":"out of credits","userDisplayMessage":"You have used all of your AI credits."})")
      .Header("Content-Type", "application/json")
      .Header("X-Warp-Error-Code", "OUT_OF_CREDITS");
}

Behaviour QuotaInBody() {
  return Status(429, R"({"error":"No remaining quota: no AI requests remaining"})")
      .Header("Content-Type", "application/json");
}

Behaviour Overloaded() {
  return Status(429, "<html><body><h1>429 Too Many Requests</h1></body></html>").Header("Content-Type", "text/html");
}

Behaviour Dead(const std::string& message) {
  return Status(400, R"({"error":{"code":400,"message":)" + JsonString(message) + R"(,"status":"INVALID_ARGUMENT"}})")
      .Header("Content-Type", "application/json");
}

Behaviour AccountRefused(const std::string& message) {
  return Status(200,
                R"({"data":{"user":{"__typename":"UserFacingError","error":{"message":)" + JsonString(message) + "}}}}")
      .Header("Content-Type", "application/json");
}

Behaviour QuotaFinish() {
  Behaviour behaviour;
  behaviour.kind = Behaviour::Kind::kQuotaFinish;
  return behaviour;
}

Behaviour Finish(std::string reason) {
  if (!IsFinishReason(reason)) throw std::invalid_argument("loopback: no such finish reason: " + reason);
  Behaviour behaviour;
  behaviour.kind = Behaviour::Kind::kFinish;
  behaviour.finish = std::move(reason);
  return behaviour;
}

Behaviour Play(std::vector<Step> steps) {
  Behaviour behaviour;
  behaviour.steps = std::move(steps);
  return behaviour;
}

Behaviour Random(std::uint32_t seed) {
  return Play({Improvise(seed)});
}

Behaviour& Behaviour::FinishAs(std::string reason) {
  const Behaviour other = Finish(std::move(reason));
  kind = other.kind;
  finish = other.finish;
  return *this;
}

Behaviour Raw(std::string bytes) {
  Behaviour behaviour;
  behaviour.kind = Behaviour::Kind::kRaw;
  behaviour.body = std::move(bytes);
  return behaviour;
}

Behaviour Garbage() {
  return Status(200, "<html><body>Please sign in to this network.</body></html>").Header("Content-Type", "text/html");
}

Behaviour UndecodableEvent() {
  return Raw(InitFrame({}) + "data: %%% this is no base64 %%%\n\n");
}

Behaviour EmptyBody() {
  return Raw("");
}

Behaviour Reset() {
  Behaviour behaviour;
  behaviour.kind = Behaviour::Kind::kReset;
  return behaviour;
}

}  // namespace loopback
