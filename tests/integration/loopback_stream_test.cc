// The loopback service's agent endpoint: how strict it is, and each way in which its answers can end.
#include <algorithm>
#include <future>
#include <memory>

#include "catch.h"
#include "loopback.h"
#include "loopback_probe.h"

using Cut = loopback::Behaviour::Cut;
using Finished = warppool::wire::ResponseEvent::StreamFinished;
using loopback::Behaviour;
using loopback::Service;
using namespace std::chrono_literals;

namespace {

// A service that knows one API key, which saves the exchange, and answers it like this.
struct Scripted {
  explicit Scripted(Behaviour behaviour, loopback::Options options = {}) : service(options) {
    service.On(key).Agent(std::move(behaviour));
  }
  httplib::Result Ask() { return probe::Ask(service, key); }
  probe::Bare AskBare() { return probe::AskBare(service, key); }

  const std::string key = "wk-1.abc";
  Service service;
};

int Post(const Service& service, const httplib::Headers& headers, const std::string& body,
         const char* content_type = probe::kProtobuf) {
  return probe::Status(probe::Connect(service)->Post("/ai/multi-agent", headers, body, content_type));
}

}  // namespace

TEST_CASE("the agent's answer decodes to the whole text") {
  Service service;
  service.Accept("t");
  const auto result = probe::Ask(service, probe::Login(service, "t"), "where am I?");
  REQUIRE(probe::Status(result) == 200);
  CHECK(result->get_header_value("Content-Type") == "text/event-stream");
  const auto told = probe::Read(result->body);
  CHECK(told.kinds == "icmaaaaaaaf");
  CHECK(told.text == "Echo: where am I?");
  CHECK_FALSE(told.init.conversation_id().empty());
  CHECK_FALSE(told.init.request_id().empty());
  CHECK_FALSE(told.init.run_id().empty());
  CHECK(told.finished.reason_case() == Finished::kDone);
  CHECK(told.finished.token_usage(0).total_input() == 11);
  CHECK(told.finished.token_usage(0).output() == 17);
  CHECK(told.finished.request_cost().exact() == 1.0F);
  CHECK(told.finished.has_conversation_usage_metadata());
  CHECK(service.Complaints().empty());
  CHECK(service.Requests("/ai/multi-agent").at(0).token == "t");
}

TEST_CASE("a text is split between characters, and never into empty parts") {
  // Decoding fails for a part that is not UTF-8.
  CHECK(probe::Read(Scripted(loopback::Ok().Text("äöü€").Chunks(3)).Ask()->body).kinds == "icmaaf");
  CHECK(probe::Read(Scripted(loopback::Ok().Text("äöü€").Chunks(3)).Ask()->body).text == "äöü€");
  CHECK(probe::Read(Scripted(loopback::Ok().Text("ab").Chunks(9)).Ask()->body).kinds == "icmaf");
  CHECK(probe::Read(Scripted(loopback::Ok().Text("").Chunks(9)).Ask()->body).kinds == "icmf");
}

TEST_CASE("each header is demanded") {
  Scripted scripted(loopback::Ok());
  const std::string name = GENERATE("Authorization", "Accept", "X-Warp-Client-ID", "X-Warp-Client-Version",
                                    "X-Warp-OS-Category", "X-Warp-OS-Name", "X-Warp-OS-Version");
  CAPTURE(name);
  auto headers = probe::AgentHeaders(scripted.key);
  const std::string body = probe::WireRequest("hello").SerializeAsString();
  REQUIRE(Post(scripted.service, headers, body) == 200);
  REQUIRE(headers.erase(name) == 1);
  // httplib's client would add an Accept of its own.
  if (name == "Accept") headers.emplace("Accept", "application/json");
  CHECK(Post(scripted.service, headers, body) == (name == "Authorization" ? 401 : 400));
  REQUIRE(scripted.service.Complaints().size() == 1);
  CHECK(scripted.service.Complaints()[0].find(name) != std::string::npos);
}

TEST_CASE("a body must be a Request in which somebody asks something") {
  Scripted scripted(loopback::Ok());
  const auto headers = probe::AgentHeaders(scripted.key);
  auto silent = probe::WireRequest("");
  auto no_input = probe::WireRequest("hello");
  no_input.clear_input();
  CHECK(Post(scripted.service, headers, "this is no protobuf") == 400);
  CHECK(Post(scripted.service, headers, no_input.SerializeAsString()) == 400);
  CHECK(Post(scripted.service, headers, silent.SerializeAsString()) == 400);
  CHECK(Post(scripted.service, headers, probe::WireRequest("hello").SerializeAsString(), "application/json") == 400);
  CHECK(scripted.service.Complaints().size() == 4);
}

TEST_CASE("a request that lets the agent call any tool is answered, with a complaint") {
  Scripted scripted(loopback::Ok());
  auto request = probe::WireRequest("hello");
  request.clear_settings();
  CHECK(Post(scripted.service, probe::AgentHeaders(scripted.key), request.SerializeAsString()) == 200);
  CHECK(scripted.service.Complaints().size() == 1);
}

TEST_CASE("only bearers that the service issued and that have not expired are let in") {
  Service service;
  service.Accept("t").AcceptApiKey("my-bearer").On("short").Exchange(loopback::Ok().JwtLife(0s));
  const std::string jwt = probe::Login(service, "t");
  const std::string expired = probe::Login(service, "short");
  REQUIRE_FALSE(expired.empty());
  CHECK(probe::Status(probe::Ask(service, jwt)) == 200);
  CHECK(probe::Status(probe::Ask(service, "my-bearer")) == 200);
  CHECK(probe::Status(probe::Ask(service, expired)) == 401);
  CHECK(probe::Status(probe::Ask(service, jwt + "x")) == 401);

  service.ExpireJwts();
  CHECK(probe::Status(probe::Ask(service, jwt)) == 401);
  CHECK(service.Requests("/ai/multi-agent").back().token == "t");
  CHECK(probe::Status(probe::Ask(service, probe::Login(service, "t"))) == 200);
  CHECK(probe::Status(probe::Ask(service, "my-bearer")) == 200);

  CHECK(service.Complaints().empty());
  CHECK(probe::Status(probe::Ask(service, "t")) == 401);
  CHECK(service.Complaints().size() == 1);
}

TEST_CASE("scripted statuses come with their headers and bodies") {
  const auto quota = Scripted(loopback::Quota()).Ask();
  CHECK(quota->status == 429);
  CHECK(quota->get_header_value("X-Warp-Error-Code") == "OUT_OF_CREDITS");
  CHECK(quota->body.find("userDisplayMessage") != std::string::npos);

  const auto quota_in_body = Scripted(loopback::QuotaInBody()).Ask();
  CHECK(quota_in_body->status == 429);
  CHECK_FALSE(quota_in_body->has_header("X-Warp-Error-Code"));
  CHECK(quota_in_body->body.find("No remaining quota") != std::string::npos);

  const auto overloaded = Scripted(loopback::Overloaded().Header("Retry-After", "7")).Ask();
  CHECK(overloaded->status == 429);
  CHECK(overloaded->get_header_value("Retry-After") == "7");
  CHECK(overloaded->get_header_value("Content-Type") == "text/html");

  const auto broken = Scripted(loopback::Status(500)).Ask();
  CHECK(broken->status == 500);
  CHECK(broken->body.empty());

  const auto garbage = Scripted(loopback::Garbage()).Ask();
  CHECK(garbage->status == 200);
  CHECK(garbage->get_header_value("Content-Type") == "text/html");
}

TEST_CASE("n successes come before the quota ends") {
  Scripted scripted(loopback::Quota().After(2));
  CHECK(scripted.Ask()->status == 200);
  CHECK(scripted.Ask()->status == 200);
  CHECK(scripted.Ask()->status == 429);
  CHECK(scripted.Ask()->status == 429);
}

TEST_CASE("a stream that ends for lack of quota has text only if that is wanted") {
  const auto at_once = probe::Read(Scripted(loopback::QuotaFinish()).Ask()->body);
  CHECK(at_once.kinds == "if");
  CHECK(at_once.finished.has_quota_limit());
  const auto late = probe::Read(Scripted(loopback::QuotaFinish().Text("so far").Chunks(2)).Ask()->body);
  CHECK(late.kinds == "icmaf");
  CHECK(late.finished.has_quota_limit());
}

TEST_CASE("each reason to finish can be scripted") {
  const auto finished = [](const char* reason) {
    const auto told = probe::Read(Scripted(loopback::Finish(reason)).Ask()->body);
    CHECK(told.text == "Echo: hello");
    return told.finished;
  };
  CHECK(finished("max_token_limit").reason_case() == Finished::kMaxTokenLimit);
  CHECK(finished("llm_unavailable").reason_case() == Finished::kLlmUnavailable);
  CHECK_FALSE(finished("internal_error").internal_error().message().empty());
  CHECK_FALSE(finished("invalid_api_key").invalid_api_key().model_name().empty());
  const auto none = finished("none");
  CHECK(none.reason_case() == Finished::REASON_NOT_SET);
  CHECK(none.GetReflection()->GetUnknownFields(none).empty());
  const auto unknown = finished("unknown");
  CHECK(unknown.reason_case() == Finished::REASON_NOT_SET);
  CHECK_FALSE(unknown.GetReflection()->GetUnknownFields(unknown).empty());
  CHECK_THROWS_AS(loopback::Finish("token_usage"), std::invalid_argument);
}

TEST_CASE("raw bytes go out as the stream that they are") {
  const auto raw = Scripted(loopback::Raw(": hi\n\ndata: x")).AskBare();
  CHECK(raw.body() == ": hi\n\ndata: x");
  CHECK(raw.head.find("text/event-stream") != std::string::npos);
  CHECK(raw.proper_end);

  const auto empty = Scripted(loopback::EmptyBody()).AskBare();
  CHECK(empty.head.find("HTTP/1.1 200") == 0);
  CHECK(empty.body().empty());
  CHECK(empty.proper_end);

  const std::string undecodable = Scripted(loopback::UndecodableEvent()).Ask()->body;
  CHECK_FALSE(probe::Decode(undecodable));
  CHECK(probe::Read(undecodable.substr(0, undecodable.find("\n\n") + 2)).kinds == "i");
}

TEST_CASE("byte by byte, every chunk is one byte") {
  const auto bare = Scripted(loopback::Ok().ByteByByte()).AskBare();
  CHECK(probe::Read(bare.body()).text == "Echo: hello");
  REQUIRE(bare.chunks.size() > 100);
  CHECK(std::all_of(bare.chunks.begin(), bare.chunks.end(), [](const auto& chunk) { return chunk.size() == 1; }));
  CHECK(bare.proper_end);
}

TEST_CASE("a clean cut ends the answer properly, without its end") {
  const auto bare = Scripted(loopback::Ok().CutAfter(3, Cut::kClean)).AskBare();
  CHECK(probe::Read(bare.body()).kinds == "icm");
  CHECK(bare.proper_end);
  CHECK_FALSE(bare.reset);
}

TEST_CASE("a cut by reset comes after whole events, as a reset") {
  const auto bare = Scripted(loopback::Ok().CutAfter(4, Cut::kReset)).AskBare();
  CHECK(probe::Read(bare.body()).kinds == "icma");
  CHECK_FALSE(bare.proper_end);
  CHECK(bare.reset);
}

TEST_CASE("a reset throws away nothing that was sent before it") {
  const auto bare =
      Scripted(loopback::Ok().Text(std::string(2U << 20U, 'x')).CutAfter(3, Cut::kReset).Chunks(1)).AskBare();
  CHECK(bare.reset);
  CHECK(probe::Read(bare.body()).text.size() == 2U << 20U);
}

TEST_CASE("a reset instead of an answer") {
  const auto bare = Scripted(loopback::Reset()).AskBare();
  CHECK(bare.reset);
  CHECK(bare.head.empty());
  CHECK(Scripted(loopback::Reset().Delay(1ms)).AskBare().reset);
}

TEST_CASE("an exchange can be reset, too") {
  const probe::SigpipeIgnored guard;
  Service service;
  service.On("t").Exchange(loopback::Reset().Times(1));
  CHECK_FALSE(probe::Exchange(service, "t"));
  CHECK(probe::Status(probe::Exchange(service, "t")) == 200);
  CHECK(service.Requests("/proxy/token").at(0).status == 0);
}

TEST_CASE("cuts work with TLS, too") {
  const probe::SigpipeIgnored guard;
  const auto ask = [](Behaviour behaviour) {
    Scripted scripted(std::move(behaviour), {.tls = true});
    return probe::Status(scripted.Ask());
  };
  CHECK(ask(loopback::Ok()) == 200);
  CHECK(ask(loopback::Ok().CutAfter(2, Cut::kClean)) == 200);
  CHECK(ask(loopback::Ok().CutAfter(2, Cut::kReset)) == -1);
  CHECK(ask(loopback::Reset()) == -1);
}

TEST_CASE("a service that is destroyed breaks what is delayed, stalled or idle") {
  const probe::SigpipeIgnored guard;
  const bool tls = GENERATE(false, true);
  CAPTURE(tls);
  auto service = std::make_unique<Service>(loopback::Options{.tls = tls});
  service->On("wk-1.stall").Agent(loopback::Ok().CutAfter(2, Cut::kStall));
  service->On("wk-2.gap").Agent(loopback::Ok().Gap(1h));
  service->On("wk-3.delay").Agent(loopback::Ok().Delay(1h));
  const auto idle = probe::Connect(*service);
  CHECK(probe::Status(idle->Get("/")) == 404);

  std::vector<std::future<bool>> answered;
  for (const std::string key : {"wk-1.stall", "wk-2.gap", "wk-3.delay"}) {
    const std::shared_ptr<httplib::Client> client = probe::Connect(*service);
    answered.push_back(std::async(std::launch::async, [client, key] {
      const auto body = probe::WireRequest("hello").SerializeAsString();
      return static_cast<bool>(client->Post("/ai/multi-agent", probe::AgentHeaders(key), body, probe::kProtobuf));
    }));
  }
  while (service->Count("/ai/multi-agent") < 3) std::this_thread::yield();

  const auto begin = std::chrono::steady_clock::now();
  service.reset();
  CHECK(std::chrono::steady_clock::now() - begin < 10s);  // far more than it takes, far less than the hour
  for (auto& one : answered) CHECK_FALSE(one.get());
}

TEST_CASE("a client that goes ends its stalled stream") {
  const probe::SigpipeIgnored guard;
  // Without that, the one thread would never come back.
  Service service({.threads = 1});
  service.On("wk-1.abc").Agent(loopback::Ok().CutAfter(1, Cut::kStall).Times(1));
  auto client = probe::Connect(service);
  httplib::Request request;
  request.method = "POST";
  request.path = "/ai/multi-agent";
  request.headers = probe::AgentHeaders("wk-1.abc");
  request.set_header("Content-Type", probe::kProtobuf);
  request.body = probe::WireRequest("hello").SerializeAsString();
  request.content_receiver = [](const char*, std::size_t, std::uint64_t, std::uint64_t) { return false; };
  CHECK(client->send(request).error() == httplib::Error::Canceled);
  client.reset();
  CHECK(probe::Status(probe::Ask(service, "wk-1.abc")) == 200);
}
