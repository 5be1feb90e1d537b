#include "capi_client.h"

#include <chrono>

#include "catch.h"

using namespace std::chrono_literals;

Record RecordOf(const warppool_event* event) {
  return {warppool_event_get_type(event),   warppool_event_text(event, nullptr),
          warppool_event_token(event),      warppool_event_conversation_id(event),
          warppool_event_request_id(event), warppool_event_message(event),
          warppool_event_code(event),       warppool_event_next_step(event),
          warppool_event_wait_ms(event),    warppool_event_finish_reason(event)};
}

std::string TextOf(const std::vector<Record>& records) {
  std::string text;
  for (const Record& record : records) {
    if (record.type == WARPPOOL_EVENT_TEXT_DELTA) text += record.text;
  }
  return text;
}

CheckedService::~CheckedService() {
  Said(LogText().c_str());
  for (const std::string& secret : Secrets()) {
    if (secret.size() < 6) continue;
    for (const std::string& text : said_) {
      if (text.find(secret) != std::string::npos) FAIL_CHECK("a secret (" << secret << ") was said: " << text);
    }
  }
  CHECK(Complaints().empty());
}

void CheckedService::Said(const char* text) {
  if (text == nullptr) return;
  const std::lock_guard lock(mutex_);
  said_.insert(text);
}

void CheckedService::Said(const warppool_error* error) {
  if (error == nullptr) return;
  for (const char* text : {warppool_error_to_string(error), warppool_error_message(error), warppool_error_token(error),
                           warppool_error_service_code(error), warppool_error_user_message(error)}) {
    Said(text);
  }
  for (std::size_t i = 0; i < warppool_error_attempt_count(error); ++i) {
    Said(warppool_error_attempt_token(error, i));
    Said(warppool_error_attempt_message(error, i));
  }
}

void CheckedService::Said(const Record& record) {
  for (const std::string* text : {&record.token, &record.conversation_id, &record.request_id, &record.message}) {
    Said(text->c_str());
  }
}

void CheckedService::Said(const warppool_client* client) {
  PoolStatusHandle pool;
  if (client == nullptr || warppool_client_pool(client, pool.out(), nullptr) != WARPPOOL_OK) return;
  Said(warppool_pool_status_summary(pool));
  for (std::size_t i = 0; i < warppool_pool_status_count(pool); ++i) {
    warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;
    REQUIRE(warppool_pool_status_token(pool, i, &info, nullptr) == WARPPOOL_OK);
    Said(info.name);
    Said(info.last_error_message);
    Said(info.reason);
    Said(info.same_account);
  }
}

void CheckedService::Log(warppool_log_level level, const char* message, int64_t time_ms, void* service) {
  auto* self = static_cast<CheckedService*>(service);
  const std::lock_guard lock(self->mutex_);
  self->log_ +=
      std::string(warppool_log_level_name(level)) + " " + message + (time_ms > 0 ? "\n" : " without a date\n");
}

std::string CheckedService::LogText() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

void CheckedService::PoolEvent(const warppool_pool_event* event, void* service) {
  auto* self = static_cast<CheckedService*>(service);
  PoolRecord record = {warppool_pool_event_get_kind(event), warppool_pool_event_token(event),
                       warppool_pool_event_tier(event),     warppool_pool_event_code(event),
                       warppool_pool_event_reason(event),   warppool_pool_event_failures(event),
                       warppool_pool_event_until_ms(event), warppool_pool_event_time_ms(event)};
  self->Said(record.token.c_str());
  self->Said(record.reason.c_str());
  const std::lock_guard lock(self->mutex_);
  self->pool_events_.push_back(std::move(record));
}

std::vector<PoolRecord> CheckedService::PoolEvents() const {
  const std::lock_guard lock(mutex_);
  return pool_events_;
}

std::vector<PoolRecord> CheckedService::PoolEvents(warppool_pool_event_kind kind) const {
  std::vector<PoolRecord> events = PoolEvents();
  std::erase_if(events, [&](const PoolRecord& event) { return event.kind != kind; });
  return events;
}

warppool_stream_callbacks Recorder::Callbacks() {
  warppool_stream_callbacks callbacks = WARPPOOL_STREAM_CALLBACKS_INIT;
  callbacks.on_event = OnEvent;
  callbacks.on_done = OnDone;
  callbacks.user_data = this;
  return callbacks;
}

bool Recorder::WaitForDone() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, 30s, [this] { return done_ > 0; });
}

bool Recorder::WaitForRecords(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, 30s, [&] { return records_.size() >= count; });
}

bool Recorder::WaitForText() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, 30s, [this] { return !TextOf(records_).empty(); });
}

std::vector<Record> Recorder::Records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

int Recorder::DoneCount() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

warppool_code Recorder::Code() const {
  const std::lock_guard lock(mutex_);
  return code_;
}

std::string Recorder::Error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

warppool_flow Recorder::OnEvent(const warppool_event* event, void* user_data) {
  auto* self = static_cast<Recorder*>(user_data);
  const Record record = RecordOf(event);
  self->service_->Said(record);
  {
    const std::lock_guard lock(self->mutex_);
    self->records_.push_back(record);
  }
  self->changed_.notify_all();
  return self->on_event ? self->on_event(record) : WARPPOOL_FLOW_CONTINUE;
}

void Recorder::OnDone(warppool_code code, const warppool_error* error, void* user_data) {
  auto* self = static_cast<Recorder*>(user_data);
  self->service_->Said(error);
  if (self->on_done) self->on_done();
  const std::lock_guard lock(self->mutex_);
  ++self->done_;
  self->code_ = code;
  self->error_ = error == nullptr ? "NULL" : warppool_error_to_string(error);
  self->changed_.notify_all();  // under the lock: the recorder may be gone as soon as it is released
}

void MakeClient(CheckedService& service, std::initializer_list<const char*> tokens, ClientHandle* client,
                const Configure& configure, const warppool_state_store* store) {
  const std::string authority = service.ca_file();
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, service.url().c_str(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_retry_base_delay_ms(config, 10, nullptr) == WARPPOOL_OK);
  if (!authority.empty()) REQUIRE(warppool_config_set_ca_bundle(config, authority.c_str(), nullptr) == WARPPOOL_OK);
  for (const char* token : tokens) {
    REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, token, nullptr,
                                      nullptr) == WARPPOOL_OK);
  }
  if (configure) configure(config);
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  options.log = CheckedService::Log;
  options.log_user_data = &service;
  options.pool_event = CheckedService::PoolEvent;
  options.pool_event_user_data = &service;
  options.store = store;
  ErrorHandle error;
  const warppool_code code = warppool_client_create(config, &options, client->out(), error.out());
  service.Said(error);
  INFO(warppool_error_to_string(error));
  REQUIRE(code == WARPPOOL_OK);
}

void MakeRequest(const char* query, RequestHandle* request) {
  REQUIRE(warppool_request_create(query, request->out(), nullptr) == WARPPOOL_OK);
}
