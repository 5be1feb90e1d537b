// The C API against the loopback service: what it delivers.
#include <poll.h>

#include <string>
#include <vector>

#include "capi_client.h"
#include "catch.h"

namespace {

// `error` may be NULL.
std::vector<Record> Pull(CheckedService* service, warppool_stream* stream, warppool_code* end,
                         ErrorHandle* error = nullptr) {
  std::vector<Record> records;
  const warppool_event* event = nullptr;
  ErrorHandle own;
  ErrorHandle* why = error == nullptr ? &own : error;
  while ((*end = warppool_stream_next(stream, 30'000, &event, why->out())) == WARPPOOL_OK) {
    records.push_back(RecordOf(event));
    service->Said(records.back());
  }
  service->Said(*why);
  return records;
}

void CheckWhole(const std::vector<Record>& records, const std::string& text) {
  REQUIRE(records.size() >= 3);
  CHECK(records.front().type == WARPPOOL_EVENT_STREAM_STARTED);
  CHECK(records.front().token.find("PERSONAL_") == 0);
  CHECK_FALSE(records.front().conversation_id.empty());
  CHECK_FALSE(records.front().request_id.empty());
  CHECK(TextOf(records) == text);
  CHECK(records.back().type == WARPPOOL_EVENT_FINISHED);
  CHECK(records.back().reason == WARPPOOL_FINISH_DONE);
}

}  // namespace

TEST_CASE("a pushed answer arrives whole, with one end") {
  CheckedService service;
  service.Accept("demo-token-1");
  ClientHandle client;
  RequestHandle request;
  StreamHandle stream;
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("why", &request);
  Recorder recorder(&service);
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  REQUIRE(warppool_client_start(client, request, &callbacks, stream.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(recorder.WaitForDone());
  CheckWhole(recorder.Records(), "Echo: why");
  CHECK(recorder.Code() == WARPPOOL_OK);
  CHECK(recorder.Error() == "NULL");

  // Pulling is for the other kind.
  const warppool_event* event = nullptr;
  int descriptor = 0;
  CHECK(warppool_stream_next(stream, 0, &event, nullptr) == WARPPOOL_MISUSE);
  CHECK(warppool_stream_descriptor(stream, &descriptor, nullptr) == WARPPOOL_MISUSE);
  CHECK(descriptor == -1);
  warppool_stream_destroy(stream.out());
  CHECK(recorder.DoneCount() == 1);
}

TEST_CASE("words of the service that hold a NUL come whole, and command no terminal") {
  CheckedService service;
  const std::string words = R"({"error":{"message":"before\u0000 \u001b[31m\u202eafter"}})";
  ClientHandle client;
  RequestHandle request;
  AnswerHandle answer;
  ErrorHandle error;
  SECTION("of the exchange") {
    service.On("demo-token-1").Exchange(loopback::Status(403, words));
  }
  SECTION("of the agent") {
    service.On("demo-token-1").Agent(loopback::Status(403, words));
  }
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("why", &request);
  REQUIRE(warppool_request_set_wait_for_token(request, 0, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_client_ask(client, request, answer.out(), error.out()) == WARPPOOL_UNAUTHORIZED);
  service.Said(error);
  CHECK(warppool_error_user_message(error) == std::string("before   [31m after"));
  CHECK(std::string(warppool_error_to_string(error)).find("the service says: before   [31m after") !=
        std::string::npos);
}

TEST_CASE("what is too short to be a secret is refused, and so is a proxy that can be read in two ways") {
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  const auto refused = [&] {
    ErrorHandle error;
    CHECK(warppool_config_validate(config, error.out()) == WARPPOOL_INVALID_CONFIG);
    return std::string(warppool_error_message(error));
  };
  const auto add = [&](const char* credential) {
    REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, credential,
                                      nullptr, nullptr) == WARPPOOL_OK);
  };
  SECTION("a token") {
    add("ab");
    CHECK(refused() == "tokens[0].credential: is too short to be one: it has fewer than 8 bytes");
  }
  SECTION("the API key") {
    add("demo-token-1");
    REQUIRE(warppool_config_set_firebase_api_key(config, "k", nullptr) == WARPPOOL_OK);
    CHECK(refused() == "firebase_api_key: is too short to be one: it has fewer than 8 bytes");
  }
  SECTION("a proxy") {
    add("demo-token-1");
    REQUIRE(warppool_config_set_proxy(config, "http://user:S3CR@ET@127.0.0.1:9", nullptr) == WARPPOOL_OK);
    CHECK(refused() == "proxy: not a proxy URL: an @ in the user name or the password must be written as %40");
  }
}

TEST_CASE("a pushed answer needs no callbacks") {
  CheckedService service;
  service.Accept("demo-token-1");
  ClientHandle client;
  RequestHandle request;
  StreamHandle stream;
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("why", &request);
  const warppool_stream_callbacks callbacks = WARPPOOL_STREAM_CALLBACKS_INIT;
  REQUIRE(warppool_client_start(client, request, &callbacks, stream.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_client_close(client, -1, nullptr) == WARPPOOL_OK);
  CHECK(service.Count("/ai/multi-agent") == 1);
}

TEST_CASE("a pulled answer arrives whole, and its end stays") {
  CheckedService service;
  service.Accept("demo-token-1");
  ClientHandle client;
  RequestHandle request;
  StreamHandle stream;
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("why", &request);
  REQUIRE(warppool_client_start_pull(client, request, stream.out(), nullptr) == WARPPOOL_OK);
  warppool_code end = WARPPOOL_OK;
  CheckWhole(Pull(&service, stream, &end), "Echo: why");
  CHECK(end == WARPPOOL_END);

  const warppool_event* event = nullptr;
  ErrorHandle error;
  CHECK(warppool_stream_next(stream, -1, &event, error.out()) == WARPPOOL_END);
  CHECK(event == nullptr);
  CHECK(static_cast<warppool_error*>(error) == nullptr);
}

TEST_CASE("the descriptor is readable when there is something to pull") {
  CheckedService service;
  // Up to the first words; then it stalls.
  service.On("demo-token-1").Agent(loopback::Ok().CutAfter(3, loopback::Behaviour::Cut::kStall));
  ClientHandle client;
  RequestHandle request;
  StreamHandle stream;
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("why", &request);
  REQUIRE(warppool_client_start_pull(client, request, stream.out(), nullptr) == WARPPOOL_OK);
  pollfd ready = {-1, POLLIN, 0};
  REQUIRE(warppool_stream_descriptor(stream, &ready.fd, nullptr) == WARPPOOL_OK);
  const warppool_event* event = nullptr;
  std::vector<Record> records;
  while (TextOf(records).empty()) {
    REQUIRE(poll(&ready, 1, 30'000) == 1);
    REQUIRE(warppool_stream_next(stream, 0, &event, nullptr) == WARPPOOL_OK);
    records.push_back(RecordOf(event));
  }
  CHECK(records.front().type == WARPPOOL_EVENT_STREAM_STARTED);

  CHECK(poll(&ready, 1, 0) == 0);
  ErrorHandle error;
  CHECK(warppool_stream_next(stream, 0, &event, error.out()) == WARPPOOL_TIMEOUT);
  CHECK(static_cast<warppool_error*>(error) == nullptr);

  CHECK(warppool_stream_cancel(stream, nullptr) == WARPPOOL_OK);
  REQUIRE(poll(&ready, 1, 30'000) == 1);
  CHECK(warppool_stream_next(stream, 0, &event, error.out()) == WARPPOOL_CANCELLED);
  CHECK(poll(&ready, 1, 0) == 1);
}

TEST_CASE("over TLS the right authority is trusted, and no other") {
  CheckedService service({.tls = true});
  const CheckedService other({.tls = true});
  service.Accept("demo-token-1");
  ClientHandle client;
  RequestHandle request;
  AnswerHandle answer;
  ErrorHandle error;
  MakeRequest("why", &request);
  SECTION("the right one") {
    MakeClient(service, {"demo-token-1"}, &client);
    REQUIRE(warppool_client_ask(client, request, answer.out(), error.out()) == WARPPOOL_OK);
    CHECK(warppool_answer_text(answer, nullptr) == std::string("Echo: why"));
  }
  SECTION("another one") {
    MakeClient(service, {"demo-token-1"}, &client, [&](warppool_config* config) {
      REQUIRE(warppool_config_set_ca_bundle(config, other.ca_file().c_str(), nullptr) == WARPPOOL_OK);
    });
    CHECK(warppool_client_ask(client, request, answer.out(), error.out()) == WARPPOOL_MISCONFIGURED);
    CHECK(warppool_answer_text(answer, nullptr) == std::string());
    CHECK(std::string(warppool_error_to_string(error)).find("WARP_CA_BUNDLE") != std::string::npos);
    CHECK(service.Requests("").empty());
    CHECK(service.LogText().find("PERSONAL_") != std::string::npos);
  }
  service.Said(error);
  service.Said(client);
}

TEST_CASE("a stream that is reset in mid-answer is lost, and says for whom") {
  CheckedService service;
  service.On("demo-token-1").Agent(loopback::Ok().CutAfter(4, loopback::Behaviour::Cut::kReset));
  ClientHandle client;
  RequestHandle request;
  StreamHandle stream;
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("why", &request);
  REQUIRE(warppool_client_start_pull(client, request, stream.out(), nullptr) == WARPPOOL_OK);
  warppool_code end = WARPPOOL_OK;
  ErrorHandle error;
  const std::vector<Record> records = Pull(&service, stream, &end, &error);
  CHECK(end == WARPPOOL_CONNECTION_LOST);
  CHECK_FALSE(TextOf(records).empty());
  CHECK(warppool_error_code(error) == WARPPOOL_CONNECTION_LOST);
  // It went on three times, which is the budget.
  REQUIRE(warppool_error_attempt_count(error) == 4);
  CHECK(warppool_error_attempt_code(error, 3) == WARPPOOL_CONNECTION_LOST);
  CHECK(std::string(warppool_error_attempt_token(error, 0)).find("PERSONAL_") == 0);
  CHECK(warppool_error_attempt_message(error, 0) != std::string());
  service.Said(client);
}

TEST_CASE("asking gives the whole answer with its facts") {
  CheckedService service;
  service.Accept("demo-token-1");
  ClientHandle client;
  RequestHandle request;
  AnswerHandle answer;
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("why", &request);
  REQUIRE(warppool_client_ask(client, request, answer.out(), nullptr) == WARPPOOL_OK);
  size_t length = 0;
  CHECK(warppool_answer_text(answer, &length) == std::string("Echo: why"));
  CHECK(length == 9);
  CHECK(warppool_answer_conversation_id(answer) != std::string());
  CHECK(warppool_answer_request_id(answer) != std::string());
  CHECK(std::string(warppool_answer_token(answer)).find("PERSONAL_") == 0);
  warppool_usage usage = WARPPOOL_USAGE_INIT;
  REQUIRE(warppool_answer_usage(answer, &usage, nullptr) == WARPPOOL_OK);
  CHECK(usage.output_tokens == 9);

  REQUIRE(warppool_client_destroy(client.out()) == WARPPOOL_OK);
  CHECK(warppool_answer_text(answer, nullptr) == std::string("Echo: why"));
}

TEST_CASE("an access token is given, and replaced when it was refused") {
  CheckedService service;
  service.Accept("demo-token-1");
  ClientHandle client;
  MakeClient(service, {"demo-token-1"}, &client);
  AccessTokenHandle first;
  AccessTokenHandle same;
  AccessTokenHandle next;
  REQUIRE(warppool_client_access_token(client, 30'000, first.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_client_access_token(client, -1, same.out(), nullptr) == WARPPOOL_OK);
  const std::string value = warppool_access_token_value(first);
  CHECK_FALSE(value.empty());
  CHECK(warppool_access_token_value(same) == value);
  CHECK(std::string(warppool_access_token_token(first)).find("PERSONAL_") == 0);
  CHECK(warppool_access_token_expires_ms(first) > 1'600'000'000'000);

  REQUIRE(warppool_client_drop_access_token(client, first, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_client_access_token(client, 30'000, next.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_access_token_value(next) != value);
  CHECK(service.Count("/proxy/token") == 2);
}

TEST_CASE("failing over to the next token is told, and the pool knows why") {
  CheckedService service;
  service.On("demo-token-1").Agent(loopback::Quota());
  service.Accept("demo-token-2");
  ClientHandle client;
  RequestHandle request;
  StreamHandle stream;
  MakeClient(service, {"demo-token-1", "demo-token-2"}, &client);
  MakeRequest("why", &request);
  REQUIRE(warppool_client_start_pull(client, request, stream.out(), nullptr) == WARPPOOL_OK);
  warppool_code end = WARPPOOL_OK;
  const std::vector<Record> records = Pull(&service, stream, &end);
  CHECK(end == WARPPOOL_END);
  CHECK(TextOf(records) == "Echo: why");
  REQUIRE_FALSE(records.empty());
  const Record& failed = records.front();
  CHECK(failed.type == WARPPOOL_EVENT_ATTEMPT_FAILED);
  CHECK(failed.code == WARPPOOL_QUOTA_EXHAUSTED);
  CHECK(failed.next_step == WARPPOOL_NEXT_NEXT_TOKEN);
  CHECK_FALSE(failed.message.empty());

  service.Said(client);
  PoolStatusHandle pool;
  REQUIRE(warppool_client_pool(client, pool.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_pool_status_count(pool) == 2);
  CHECK(warppool_pool_status_active(pool) == 1);
  CHECK(warppool_pool_status_summary(pool) == std::string("1/2 active (PERSONAL: 1/2)"));
  warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;
  REQUIRE(warppool_pool_status_token(pool, 0, &info, nullptr) == WARPPOOL_OK);
  CHECK(info.name == failed.token);
  CHECK(info.state == WARPPOOL_TOKEN_COOLING);
  CHECK(info.last_error == WARPPOOL_QUOTA_EXHAUSTED);
  CHECK(info.ready_at_ms > 1'600'000'000'000);
  CHECK(info.failures == 0);
  REQUIRE(warppool_pool_status_token(pool, 1, &info, nullptr) == WARPPOOL_OK);
  CHECK(info.name != failed.token);
  CHECK(info.state == WARPPOOL_TOKEN_READY);
  CHECK(info.served == 1);
  CHECK(info.refreshes == 1);
  CHECK(info.jwt_expires_ms > 1'600'000'000'000);
}

TEST_CASE("an answer that did not end well is given with its code, and is the caller's all the same") {
  CheckedService service;
  service.On("demo-token-1")
      .Agent(loopback::Finish("max_token_limit").Text("a long answer").Times(1))
      .Agent(loopback::Finish("internal_error").FinishSaying("429 ... try again in 9.53s").Text("half").Times(1))
      .Agent(loopback::Ok().Text("aabbccdd").Chunks(4).CutAfter(4, loopback::Behaviour::Cut::kReset));
  ClientHandle client;
  RequestHandle request;
  MakeClient(service, {"demo-token-1"}, &client, [](warppool_config* config) {
    REQUIRE(warppool_config_set_retry_budget(config, 0, nullptr) == WARPPOOL_OK);
  });
  MakeRequest("why", &request);
  AnswerHandle answer;
  ErrorHandle error;
  CHECK(warppool_client_ask(client, request, answer.out(), error.out()) == WARPPOOL_MAX_TOKEN_LIMIT);
  size_t length = 0;
  CHECK(warppool_answer_text(answer, &length) == std::string("a long answer"));
  CHECK(length == 13);
  CHECK(warppool_answer_finish_reason(answer) == WARPPOOL_FINISH_MAX_TOKEN_LIMIT);
  CHECK(warppool_answer_token(answer) == std::string(warppool_error_token(error)));
  warppool_usage usage = WARPPOOL_USAGE_INIT;
  REQUIRE(warppool_answer_usage(answer, &usage, nullptr) == WARPPOOL_OK);
  CHECK(usage.output_tokens == 13);

  CHECK(warppool_client_ask(client, request, answer.out(), error.out()) == WARPPOOL_MODEL_UNAVAILABLE);
  CHECK(warppool_answer_text(answer, nullptr) == std::string("half"));
  CHECK(warppool_answer_finish_reason(answer) == WARPPOOL_FINISH_INTERNAL_ERROR);
  CHECK(warppool_error_retryable(error) == 1);
  CHECK(warppool_error_retry_after_ms(error) == 9530);

  CHECK(warppool_client_ask(client, request, answer.out(), error.out()) == WARPPOOL_CONNECTION_LOST);
  CHECK(warppool_answer_text(answer, nullptr) == std::string("aabb"));
  CHECK(warppool_answer_finish_reason(answer) == WARPPOOL_FINISH_NONE);

  CHECK(warppool_client_close(client, 0, nullptr) == WARPPOOL_OK);
  CHECK(warppool_client_ask(client, request, answer.out(), error.out()) == WARPPOOL_MISUSE);
  REQUIRE(static_cast<warppool_answer*>(answer) != nullptr);
  CHECK(warppool_answer_text(answer, nullptr) == std::string());
  service.Said(error);
}

TEST_CASE("an error lists what happened to each token, and no secret") {
  CheckedService service;
  service.On("demo-token-1").Exchange(loopback::Dead("TOKEN_EXPIRED"));
  service.On("demo-token-2").Agent(loopback::Quota());
  ClientHandle client;
  RequestHandle request;
  AnswerHandle answer;
  ErrorHandle error;
  MakeClient(service, {"demo-token-1", "demo-token-2"}, &client);
  MakeRequest("why", &request);
  CHECK(warppool_client_ask(client, request, answer.out(), error.out()) == WARPPOOL_ALL_TOKENS_FAILED);
  REQUIRE(static_cast<warppool_answer*>(answer) != nullptr);
  CHECK(warppool_answer_text(answer, nullptr) == std::string());
  CHECK(warppool_answer_token(answer) == std::string());
  CHECK(warppool_error_code(error) == WARPPOOL_ALL_TOKENS_FAILED);
  REQUIRE(warppool_error_attempt_count(error) == 2);
  CHECK(warppool_error_attempt_code(error, 0) == WARPPOOL_UNAUTHORIZED);
  CHECK(warppool_error_attempt_code(error, 1) == WARPPOOL_QUOTA_EXHAUSTED);
  const std::string text = warppool_error_to_string(error);
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const std::string name = warppool_error_attempt_token(error, i);
    CHECK(name.find("PERSONAL_") == 0);
    CHECK(text.find(name) != std::string::npos);
    CHECK(warppool_error_attempt_message(error, i) != std::string());
  }
  service.Said(error);
  service.Said(client);
}

TEST_CASE("a request that is at fault starts nothing") {
  CheckedService service;
  service.Accept("demo-token-1");
  ClientHandle client;
  RequestHandle request;
  StreamHandle stream;
  ErrorHandle error;
  MakeClient(service, {"demo-token-1"}, &client);
  MakeRequest("", &request);
  Recorder recorder(&service);
  const warppool_stream_callbacks callbacks = recorder.Callbacks();
  CHECK(warppool_client_start(client, request, &callbacks, stream.out(), error.out()) == WARPPOOL_INVALID_ARGUMENT);
  CHECK(static_cast<warppool_stream*>(stream) == nullptr);
  CHECK(std::string(warppool_error_message(error)).find("query") != std::string::npos);
  CHECK(warppool_client_close(client, 0, nullptr) == WARPPOOL_OK);
  CHECK(recorder.DoneCount() == 0);
  CHECK(recorder.Records().empty());
}

TEST_CASE("the log goes to its sink, without secrets") {
  CheckedService service;
  service.On("demo-token-1").Agent(loopback::Status(500).Times(1));
  service.Accept("demo-token-2");
  ClientHandle client;
  RequestHandle request;
  AnswerHandle answer;
  MakeClient(service, {"demo-token-1", "demo-token-2"}, &client);
  MakeRequest("why", &request);
  REQUIRE(warppool_client_ask(client, request, answer.out(), nullptr) == WARPPOOL_OK);
  service.Said(client);
  REQUIRE(warppool_client_destroy(client.out()) == WARPPOOL_OK);
  CHECK(service.LogText().find("PERSONAL_") != std::string::npos);
  CHECK(service.LogText().find("without a date") == std::string::npos);
}
