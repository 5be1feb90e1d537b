// A client of the loopback service in C, what its pushed streams delivered, and everything that was said, searched for
// secrets.
#pragma once

#include <loopback.h>
#include <warppool.h>

#include <condition_variable>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <set>
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

// One pool event, copied.
struct PoolRecord {
  warppool_pool_event_kind kind;
  std::string token;
  warppool_tier tier;
  warppool_code code;
  std::string reason;
  int32_t failures;
  int64_t until_ms;
  int64_t time_ms;
};

std::string TextOf(const std::vector<Record>& records);

// The loopback service. Everything that Said() was given and everything that went to the log is searched for its
// secrets at the end, so it must outlive the clients and streams. Any thread.
class CheckedService : public loopback::Service {
 public:
  explicit CheckedService(loopback::Options options = {}) : loopback::Service(options) {}
  ~CheckedService();

  void Said(const char* text);               // NULL is nothing
  void Said(const warppool_error* error);    // all that it says; NULL is nothing
  void Said(const Record& record);           // what the library says in it, not the service's text
  void Said(const warppool_client* client);  // its pool

  // A sink that is searched, too.
  static void Log(warppool_log_level level, const char* message, int64_t time_ms, void* service);
  std::string LogText() const;  // a line for each message

  // The same for pool events.
  static void PoolEvent(const warppool_pool_event* event, void* service);
  std::vector<PoolRecord> PoolEvents() const;
  std::vector<PoolRecord> PoolEvents(warppool_pool_event_kind kind) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> said_;
  std::string log_;
  std::vector<PoolRecord> pool_events_;
};

// Takes the events of one pushed stream. What they say goes to `service`.
class Recorder {
 public:
  explicit Recorder(CheckedService* service) : service_(service) {}

  // Called for each event, in the client's thread; empty: goes on.
  std::function<warppool_flow(const Record& record)> on_event;
  std::function<void()> on_done;

  // Refers to this object.
  warppool_stream_callbacks Callbacks();

  bool WaitForDone();                      // half a minute at most
  bool WaitForRecords(std::size_t count);  // the same
  bool WaitForText();                      // the same
  std::vector<Record> Records() const;
  int DoneCount() const;
  warppool_code Code() const;
  std::string Error() const;  // its text; "NULL" if there was none

 private:
  static warppool_flow OnEvent(const warppool_event* event, void* user_data);
  static void OnDone(warppool_code code, const warppool_error* error, void* user_data);

  CheckedService* const service_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Record> records_;
  int done_ = 0;
  warppool_code code_ = WARPPOOL_OK;
  std::string error_;
};

// A client with these personal refresh tokens, in this order, that waits little, and tells the service its log and its
// pool's events. The service's authority is trusted, unless `configure`, which comes last, says something else. `store`
// may be NULL.
using Configure = std::function<void(warppool_config* config)>;
void MakeClient(CheckedService& service, std::initializer_list<const char*> tokens, ClientHandle* client,
                const Configure& configure = {}, const warppool_state_store* store = nullptr);

void MakeRequest(const char* query, RequestHandle* request);
