#include "config/reload.h"

namespace warppool::internal {

const char* FixedDifference(const Config& running, const Config& wanted) {
  const char* first = nullptr;
  const auto compare = [&](const char* field, const auto& a, const auto& b) {
    if (first == nullptr && a != b) first = field;
  };
  compare("server_url", running.server_url, wanted.server_url);
  compare("refresh_url", running.refresh_url, wanted.refresh_url);
  compare("securetoken_url", running.securetoken_url, wanted.securetoken_url);
  compare("firebase_api_key", running.firebase_api_key, wanted.firebase_api_key);
  compare("client_version", running.client_version, wanted.client_version);
  compare("ca_bundle", running.ca_bundle, wanted.ca_bundle);
  compare("proxy", running.proxy, wanted.proxy);
  compare("no_proxy", running.no_proxy, wanted.no_proxy);
  compare("connect_timeout", running.connect_timeout, wanted.connect_timeout);
  compare("silence_timeout", running.silence_timeout, wanted.silence_timeout);
  compare("refresh_timeout", running.refresh_timeout, wanted.refresh_timeout);
  compare("retry_budget", running.retry_budget, wanted.retry_budget);
  compare("retry_base_delay", running.retry_base_delay, wanted.retry_base_delay);
  compare("retry_max_delay", running.retry_max_delay, wanted.retry_max_delay);
  compare("retry_after_limit", running.retry_after_limit, wanted.retry_after_limit);
  compare("max_token_wait", running.max_token_wait, wanted.max_token_wait);
  compare("background_refresh", running.background_refresh, wanted.background_refresh);
  compare("state_file", running.state_file, wanted.state_file);
  compare("state_save_interval", running.state_save_interval, wanted.state_save_interval);
  compare("store_timeout", running.store_timeout, wanted.store_timeout);
  compare("max_event_bytes", running.max_event_bytes, wanted.max_event_bytes);
  compare("max_message_bytes", running.max_message_bytes, wanted.max_message_bytes);
  compare("max_event_memory", running.max_event_memory, wanted.max_event_memory);
  compare("max_event_messages", running.max_event_messages, wanted.max_event_messages);
  compare("max_answer_bytes", running.max_answer_bytes, wanted.max_answer_bytes);
  compare("max_stream_events", running.max_stream_events, wanted.max_stream_events);
  compare("max_tasks", running.max_tasks, wanted.max_tasks);
  compare("max_messages", running.max_messages, wanted.max_messages);
  compare("max_nesting_depth", running.max_nesting_depth, wanted.max_nesting_depth);
  return first;
}

}  // namespace warppool::internal
