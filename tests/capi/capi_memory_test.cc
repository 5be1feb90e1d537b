// When memory runs out, at every point where it can: a code, details or their stand-in, nothing lost, nothing leaked.
#include <warppool.h>

#include <loopback.h>
#include <new>
#include <string>

#include "catch.h"
#include "guard.h"
#include "handles.h"
#include "more_memory.h"

TEST_CASE("every call that needs memory says so when there is none") {
  const char* const long_text = "a text that is too long to stay inside a std::string";
  ConfigHandle config;
  ConfigHandle copy;
  RequestHandle request;
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_config_create(config.out(), e); }) == WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          return warppool_config_add_token(config, WARPPOOL_TIER_SHARED, WARPPOOL_CREDENTIAL_REFRESH_TOKEN,
                                           "demo-token-1", long_text, e);
        }) == WARPPOOL_OK);
  CHECK(warppool_config_token_count(config) == 1);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_config_set_no_proxy(config, long_text, e); }) ==
        WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_config_copy(config, copy.out(), e); }) == WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_request_create(long_text, request.out(), e); }) ==
        WARPPOOL_OK);
  CHECK(WithMoreAndMoreMemory(
            [&](auto** e) { return warppool_request_set_logging(request, long_text, long_text, e); }) == WARPPOOL_OK);
}

TEST_CASE("a request that there was no memory to change is as it was") {
  const char* const long_text = "a text that is too long to stay inside a std::string";
  RequestHandle request;
  REQUIRE(warppool_request_create("q", request.out(), nullptr) == WARPPOOL_OK);
  warppool_context context = WARPPOOL_CONTEXT_INIT;
  context.directory = long_text;
  context.git_host = long_text;
  warppool_file_text file = WARPPOOL_FILE_TEXT_INIT;
  file.path = long_text;
  file.content = long_text;
  warppool_shell_result result = WARPPOOL_SHELL_RESULT_INIT;
  result.output = long_text;
  const auto call = [&](const auto& function) { CHECK(WithMoreAndMoreMemory(function) == WARPPOOL_OK); };
  call([&](auto** e) { return warppool_request_add_file(request, &file, e); });
  call([&](auto** e) { return warppool_request_set_context(request, &context, e); });
  call([&](auto** e) { return warppool_request_add_project_rules(request, long_text, e); });
  call([&](auto** e) { return warppool_request_add_rules_file(request, &file, e); });
  call([&](auto** e) { return warppool_request_attach_document(request, long_text, long_text, long_text, e); });
  call([&](auto** e) {
    return warppool_request_set_aws_credentials(request, long_text, long_text, long_text, long_text, e);
  });
  call([&](auto** e) { return warppool_request_add_mcp_server(request, long_text, long_text, long_text, e); });
  call([&](auto** e) { return warppool_request_add_mcp_tool(request, long_text, long_text, long_text, e); });
  call([&](auto** e) {
    return warppool_request_add_tool_result_shell(request, long_text, WARPPOOL_TOOL_RUN_SHELL_COMMAND, &result, e);
  });
  const warppool::Request& made = static_cast<warppool_request*>(request)->request;
  CHECK(made.context.directory == long_text);
  CHECK(made.context.files.size() == 1);
  REQUIRE(made.context.project_rules.size() == 1);
  CHECK(made.context.project_rules[0].active_files.size() == 1);
  CHECK(made.attachments.size() == 1);
  REQUIRE(made.mcp_servers.size() == 1);
  CHECK(made.mcp_servers[0].tools.size() == 1);
  CHECK(made.tool_results.size() == 1);
}

TEST_CASE("a failure keeps its code when there is no memory for its details") {
  CHECK(WithMoreAndMoreMemory([](auto** e) {
          return warppool::capi::Guard(e, []() -> warppool::Status { throw "no std::exception"; });
        }) == WARPPOOL_INTERNAL);
  CHECK(WithMoreAndMoreMemory([](auto** e) { return warppool_config_create(nullptr, e); }) ==
        WARPPOOL_INVALID_ARGUMENT);
}

TEST_CASE("the stand-in for details can be copied and destroyed like any error") {
  ConfigHandle config;
  ErrorHandle error;
  warppool_code code = WARPPOOL_OK;
  {
    const FailingMemory memory(0);
    code = warppool_config_create(config.out(), error.out());
  }
  REQUIRE(code == WARPPOOL_OUT_OF_MEMORY);
  CHECK(warppool_error_code(error) == WARPPOOL_OUT_OF_MEMORY);
  CHECK(warppool_error_message(error) == std::string("out of memory"));
  ErrorHandle copy;
  REQUIRE(warppool_error_copy(error, copy.out()) == WARPPOOL_OK);
  CHECK(warppool_error_to_string(copy) == std::string("out of memory"));
}

TEST_CASE("what a client shows of its pool is whole, or there is no memory for it") {
  loopback::Service service;
  ClientHandle client;
  MakeClient(&service, &client);
  // What is not whole is a failure of the test, with any code.
  const auto whole = [](warppool_code code, size_t tokens) {
    return code == WARPPOOL_OK && tokens != 2 ? WARPPOOL_INTERNAL : code;
  };
  PoolStatusHandle pool;
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          const warppool_code code = warppool_client_pool(client, pool.out(), e);
          return whole(code, warppool_pool_status_count(pool));
        }) == WARPPOOL_OK);
  ExplanationHandle explanation;
  CHECK(WithMoreAndMoreMemory([&](auto** e) {
          const warppool_code code = warppool_client_explain(client, explanation.out(), e);
          return whole(code, warppool_explanation_count(explanation));
        }) == WARPPOOL_OK);

  HealthReportHandle report;
  warppool_health_check_options options = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
  for (const int32_t active : {0, 1}) {
    options.active = active;
    CHECK(WithMoreAndMoreMemory([&](auto** e) {
            const warppool_code code = warppool_client_check_health(client, &options, report.out(), e);
            return whole(code, warppool_health_report_healthy_count(report));
          }) == WARPPOOL_OK);
  }
}

TEST_CASE("a recovery that runs out of memory can be repeated, and is complete then") {
  loopback::Service service;
  for (const char* token : {"demo-token-1", "demo-token-2"}) {
    service.On(token).Exchange(loopback::Dead("USER_DISABLED").Times(1));
  }
  ClientHandle client;
  int events = 0;
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  options.pool_event = [](const warppool_pool_event* event, void* counter) {
    if (warppool_pool_event_get_kind(event) == WARPPOOL_POOL_EVENT_RECOVERED) ++*static_cast<int*>(counter);
  };
  options.pool_event_user_data = &events;
  MakeClient(&service, &client, &options);
  RequestHandle request;
  REQUIRE(warppool_request_create("why", request.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_request_set_wait_for_token(request, 0, nullptr) == WARPPOOL_OK);
  AnswerHandle answer;
  CHECK(warppool_client_ask(client, request, answer.out(), nullptr) == WARPPOOL_UNAUTHORIZED);
  PoolStatusHandle pool;
  REQUIRE(warppool_client_pool(client, pool.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_pool_status_active(pool) == 0);

  const bool by_name = GENERATE(false, true);
  if (by_name) {
    for (const char* name : {"1", "2"}) {
      CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_client_recover(client, name, e); }) == WARPPOOL_OK);
    }
  } else {
    CHECK(WithMoreAndMoreMemory([&](auto** e) { return warppool_client_recover_all(client, nullptr, e); }) ==
          WARPPOOL_OK);
  }
  REQUIRE(warppool_client_pool(client, pool.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_pool_status_active(pool) == 2);
  CHECK(warppool_client_ask(client, request, answer.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_client_recover(client, "a name that is too long to stay inside a std::string", nullptr) ==
        WARPPOOL_INVALID_ARGUMENT);
}

TEST_CASE("a reader that runs out of memory at every event loses none") {
  loopback::Service service;
  service.On("demo-token-1").Agent(loopback::Ok().Text(std::string(500, 'x') + " and the end").Chunks(20));
  ConfigHandle config;
  RequestHandle request;
  ClientHandle client;
  StreamHandle stream;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, service.url().c_str(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, "demo-token-1",
                                    nullptr, nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_client_create(config, nullptr, client.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_request_create("why", request.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_client_start_pull(client, request, stream.out(), nullptr) == WARPPOOL_OK);

  std::string text;
  bool started = false;
  bool finished = false;
  warppool_code code = WARPPOOL_OK;
  while (code == WARPPOOL_OK) {
    const warppool_event* event = nullptr;
    code = WARPPOOL_OUT_OF_MEMORY;
    for (int allowed = 0; code == WARPPOOL_OUT_OF_MEMORY && allowed < kEnough; ++allowed) {
      const FailingMemory memory(allowed);
      code = warppool_stream_next(stream, 10'000, &event, nullptr);
    }
    started = started || warppool_event_get_type(event) == WARPPOOL_EVENT_STREAM_STARTED;
    finished = finished || warppool_event_get_type(event) == WARPPOOL_EVENT_FINISHED;
    text += warppool_event_text(event, nullptr);
  }
  CHECK(code == WARPPOOL_END);
  CHECK(started);
  CHECK(finished);
  CHECK(text == std::string(500, 'x') + " and the end");
}
