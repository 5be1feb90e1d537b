// C handles that destroy themselves, for tests.
#pragma once

#include <warppool.h>

template <typename T, auto kDestroy>
class Handle {
 public:
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { kDestroy(&handle_); }

  operator T*() const { return handle_; }  // NOLINT(google-explicit-constructor): reads as the handle
  // For an out-parameter. What was there before is destroyed.
  T** out() {
    kDestroy(&handle_);
    return &handle_;
  }

 private:
  T* handle_ = nullptr;
};

using ErrorHandle = Handle<warppool_error, warppool_error_destroy>;
using ConfigHandle = Handle<warppool_config, warppool_config_destroy>;
using RequestHandle = Handle<warppool_request, warppool_request_destroy>;
using ClientHandle = Handle<warppool_client, warppool_client_destroy>;
using StreamHandle = Handle<warppool_stream, warppool_stream_destroy>;
using AnswerHandle = Handle<warppool_answer, warppool_answer_destroy>;
using ConversationHandle = Handle<warppool_conversation, warppool_conversation_destroy>;
using ConversationViewHandle = Handle<warppool_conversation_view, warppool_conversation_view_destroy>;
using MessageListHandle = Handle<warppool_message_list, warppool_message_list_destroy>;
using BytesHandle = Handle<warppool_bytes, warppool_bytes_destroy>;
using AccessTokenHandle = Handle<warppool_access_token, warppool_access_token_destroy>;
using ExplanationHandle = Handle<warppool_explanation, warppool_explanation_destroy>;
using HealthReportHandle = Handle<warppool_health_report, warppool_health_report_destroy>;
using PoolChangeHandle = Handle<warppool_pool_change, warppool_pool_change_destroy>;
using PoolStatusHandle = Handle<warppool_pool_status, warppool_pool_status_destroy>;
using StateStoreHandle = Handle<warppool_state_store, warppool_state_store_destroy>;
using StatsHandle = Handle<warppool_stats, warppool_stats_destroy>;
