// A client of the loopback service in C, and what its pushed streams delivered.
#pragma once

#include <loopback.h>
#include <warppool.h>

#include <condition_variable>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <vector>

#include "handles.h"

// One event, copied: Catch2's assertions stay in the main thread, callbacks only write down.
struct Record {
  warppool_event_type type;
  std::string text;
  std::string token;
  std::string conversation_id;
  std::string request_id;
  std::string message;
  warppool_code code;
  warppool_next_step next_step;
  int64_t wait_ms;
  warppool_finish_reason reason;
};
Record RecordOf(const warppool_event* event);

std::string TextOf(const std::vector<Record>& records);

// Takes the events of one pushed stream.
class Recorder {
 public:
  // Called for each event, in the client's thread; empty: goes on.
  std::function<warppool_flow(const Record& record)> on_event;
  std::function<void()> on_done;

  // Refers to this object.
  warppool_stream_callbacks Callbacks();

  bool WaitForDone();                      // ten seconds at most
  bool WaitForRecords(std::size_t count);  // the same
  std::vector<Record> Records() const;
  int DoneCount() const;
  warppool_code Code() const;
  std::string Error() const;  // its text; "NULL" if there was none

 private:
  static warppool_flow OnEvent(const warppool_event* event, void* user_data);
  static void OnDone(warppool_code code, const warppool_error* error, void* user_data);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Record> records_;
  int done_ = 0;
  warppool_code code_ = WARPPOOL_OK;
  std::string error_;
};

// A client with these personal refresh tokens, in this order, that waits little.
void MakeClient(const loopback::Service& service, std::initializer_list<const char*> tokens, ClientHandle* client,
                const warppool_client_options* options = nullptr);

void MakeRequest(const char* query, RequestHandle* request);
