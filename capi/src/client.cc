#include <chrono>
#include <memory>
#include <utility>

#include "arguments.h"
#include "guard.h"

using warppool::Client;
using warppool::Code;
using warppool::Status;
using warppool::capi::AtLeast;
using warppool::capi::Clear;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;
using warppool::capi::ReadStruct;
using warppool::capi::ZeroOrOne;

namespace {

// `options` may be NULL: the defaults.
Status ReadHealthCheckOptions(const warppool_health_check_options* options, warppool::HealthCheckOptions* wanted) {
  if (options == nullptr) return {};
  warppool_health_check_options given = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
  constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_health_check_options, reserved);
  if (Status status = ReadStruct(options, kFirst, "options", &given); !status.ok()) return status;
  if (Status status = ZeroOrOne(given.active, "options.active"); !status.ok()) return status;
  if (Status status = AtLeast(-1, given.timeout_ms, "options.timeout_ms"); !status.ok()) return status;
  if (given.reserved != 0) return Invalid("options.reserved", "must be 0");
  wanted->active = given.active == 1;
  // Struct conventions let a program start from zeros.
  if (given.concurrency != 0) wanted->concurrency = given.concurrency;
  if (given.timeout_ms != 0) wanted->timeout = std::chrono::milliseconds(given.timeout_ms);
  return {};
}

// A client has at least one token. C++ shows none in a child process, and when there is no memory for them.
template <typename Tokens>
Status CheckFilled(const warppool_client& client, const Tokens& tokens) {
  return tokens.empty() && client.owner == warppool::internal::CurrentProcess() ? Status::OutOfMemory() : Status();
}

}  // namespace

warppool_code warppool_client_create(const warppool_config* config, const warppool_client_options* options,
                                     warppool_client** client, warppool_error** error) {
  Clear(client);
  return Guard(error, [&] {
    if (Status status = NotNull({{config, "config"}, {client, "client"}}); !status.ok()) return status;
    warppool_client_options given = WARPPOOL_CLIENT_OPTIONS_INIT;
    if (options != nullptr) {
      constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_client_options, log_user_data);
      if (Status status = ReadStruct(options, kFirst, "options", &given); !status.ok()) return status;
    }
    auto handle = std::make_unique<warppool_client>(warppool_client{nullptr, warppool::internal::CurrentProcess()});
    auto created =
        Client::Create(config->config, {warppool::capi::WrapLog(given.log, given.log_user_data),
                                        warppool::capi::WrapPoolEvents(given.pool_event, given.pool_event_user_data),
                                        given.store == nullptr ? nullptr : given.store->store});
    if (!created.ok()) return created.status();
    handle->client = *std::move(created);
    *client = handle.release();
    return Status();
  });
}

warppool_code warppool_client_access_token(warppool_client* client, int32_t timeout_ms,
                                           warppool_access_token** access_token, warppool_error** error) {
  Clear(access_token);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {access_token, "access_token"}}); !status.ok()) return status;
    if (Status status = AtLeast(-1, timeout_ms, "timeout_ms"); !status.ok()) return status;
    auto bearer = client->client->AccessToken(std::chrono::milliseconds(timeout_ms));
    if (!bearer.ok()) return bearer.status();
    *access_token = new warppool_access_token(*std::move(bearer));
    return Status();
  });
}

warppool_code warppool_client_drop_access_token(warppool_client* client, const warppool_access_token* refused,
                                                warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {refused, "refused"}}); !status.ok()) return status;
    client->client->DropAccessToken(refused->bearer);
    return Status();
  });
}

warppool_code warppool_client_pool(const warppool_client* client, warppool_pool_status** status,
                                   warppool_error** error) {
  Clear(status);
  return Guard(error, [&] {
    if (Status checked = NotNull({{client, "client"}, {status, "status"}}); !checked.ok()) return checked;
    auto handle = std::make_unique<warppool_pool_status>();
    handle->status = client->client->Pool();
    if (Status checked = CheckFilled(*client, handle->status.tokens); !checked.ok()) return checked;
    handle->summary = handle->status.Summary();
    *status = handle.release();
    return Status();
  });
}

warppool_code warppool_client_explain(const warppool_client* client, warppool_explanation** explanation,
                                      warppool_error** error) {
  Clear(explanation);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {explanation, "explanation"}}); !status.ok()) return status;
    auto handle = std::make_unique<warppool_explanation>();
    handle->tokens = client->client->Explain();
    if (Status status = CheckFilled(*client, handle->tokens); !status.ok()) return status;
    *explanation = handle.release();
    return Status();
  });
}

warppool_code warppool_client_recover(warppool_client* client, const char* token, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {token, "token"}}); !status.ok()) return status;
    return client->client->Recover(token);
  });
}

warppool_code warppool_client_recover_all(warppool_client* client, size_t* count, warppool_error** error) {
  if (count != nullptr) *count = 0;
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}}); !status.ok()) return status;
    auto recovered = client->client->RecoverAll();
    if (!recovered.ok()) return recovered.status();
    if (count != nullptr) *count = static_cast<size_t>(*recovered);
    return Status();
  });
}

warppool_code warppool_client_check_health(warppool_client* client, const warppool_health_check_options* options,
                                           warppool_health_report** report, warppool_error** error) {
  Clear(report);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {report, "report"}}); !status.ok()) return status;
    warppool::HealthCheckOptions wanted;
    if (Status status = ReadHealthCheckOptions(options, &wanted); !status.ok()) return status;
    auto checked = client->client->CheckHealth(wanted);
    if (!checked.ok()) return checked.status();
    if (Status status = CheckFilled(*client, checked->tokens); !status.ok()) return status;
    *report = new warppool_health_report(*std::move(checked));
    return Status();
  });
}

warppool_code warppool_client_statistics(const warppool_client* client, warppool_stats** stats,
                                         warppool_error** error) {
  Clear(stats);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {stats, "stats"}}); !status.ok()) return status;
    warppool::Stats taken = client->client->Statistics();
    if (Status status = CheckFilled(*client, taken.tokens); !status.ok()) return status;
    *stats = new warppool_stats(std::move(taken));
    return Status();
  });
}

warppool_code warppool_client_close(warppool_client* client, int32_t timeout_ms, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}}); !status.ok()) return status;
    if (Status status = AtLeast(-1, timeout_ms, "timeout_ms"); !status.ok()) return status;
    return client->client->Close(std::chrono::milliseconds(timeout_ms));
  });
}

warppool_code warppool_client_destroy(warppool_client** client) {
  return Guard(nullptr, [&] {
    if (client == nullptr || *client == nullptr) return Status();
    // In a child process Close() would say kMisuse as well, but there the client is to go.
    if ((*client)->owner == warppool::internal::CurrentProcess()) {
      Status closed = (*client)->client->Close(std::chrono::milliseconds(0));
      if (closed.code() == Code::kMisuse) return closed;
    }
    warppool::capi::Destroy(client);
    return Status();
  });
}
