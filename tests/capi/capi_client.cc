#include "capi_client.h"

#include <catch2/catch.hpp>
#include <chrono>

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

warppool_stream_callbacks Recorder::Callbacks() {
  warppool_stream_callbacks callbacks = WARPPOOL_STREAM_CALLBACKS_INIT;
  callbacks.on_event = OnEvent;
  callbacks.on_done = OnDone;
  callbacks.user_data = this;
  return callbacks;
}

bool Recorder::WaitForDone() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, 10s, [this] { return done_ > 0; });
}

bool Recorder::WaitForRecords(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, 10s, [&] { return records_.size() >= count; });
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
  {
    const std::lock_guard lock(self->mutex_);
    self->records_.push_back(record);
  }
  self->changed_.notify_all();
  return self->on_event ? self->on_event(record) : WARPPOOL_FLOW_CONTINUE;
}

void Recorder::OnDone(warppool_code code, const warppool_error* error, void* user_data) {
  auto* self = static_cast<Recorder*>(user_data);
  if (self->on_done) self->on_done();
  const std::lock_guard lock(self->mutex_);
  ++self->done_;
  self->code_ = code;
  self->error_ = error == nullptr ? "NULL" : warppool_error_to_string(error);
  self->changed_.notify_all();  // under the lock: the recorder may be gone as soon as it is released
}

void MakeClient(const loopback::Service& service, std::initializer_list<const char*> tokens, ClientHandle* client,
                const warppool_client_options* options) {
  ConfigHandle config;
  REQUIRE(warppool_config_create(config.out(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_server_url(config, service.url().c_str(), nullptr) == WARPPOOL_OK);
  REQUIRE(warppool_config_set_retry_base_delay_ms(config, 10, nullptr) == WARPPOOL_OK);
  for (const char* token : tokens) {
    REQUIRE(warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, token, nullptr,
                                      nullptr) == WARPPOOL_OK);
  }
  ErrorHandle error;
  const warppool_code code = warppool_client_create(config, options, client->out(), error.out());
  INFO(warppool_error_to_string(error));
  REQUIRE(code == WARPPOOL_OK);
}

void MakeRequest(const char* query, RequestHandle* request) {
  REQUIRE(warppool_request_create(query, request->out(), nullptr) == WARPPOOL_OK);
}
