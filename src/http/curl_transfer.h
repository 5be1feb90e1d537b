// One transfer: a request on its way, and what has come of its answer.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "http/curl_handle.h"
#include "http/curl_transport.h"
#include "http/transport.h"

namespace warppool::internal {

// The loop's thread only.
class CurlTransfer {
 public:
  CurlTransfer(CurlTransport* transport, TransferId id, HttpRequest request, HttpHandler* handler);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Before it is added to libcurl's multi handle. False: libcurl refused an option, or has no memory; so if `handle` is
  // null.
  bool SetUp(std::unique_ptr<CurlHandle> handle);
  // After it was removed there: for the next transfer to the same target. Null: this one did not go well, or was
  // paused, and the handle may not be as it was.
  std::unique_ptr<CurlHandle> TakeHandle();

  CurlTransport* transport() const { return transport_; }
  TransferId id() const { return id_; }
  const std::shared_ptr<const HttpTarget>& target() const { return request_.target; }
  CURL* easy() const { return curl_ ? curl_->easy() : nullptr; }
  HttpHandler* handler() const { return handler_; }  // null: cancelled
  void Cancel() { handler_ = nullptr; }

  void Pause() { paused_ = was_paused_ = true; }
  // True if libcurl must be told.
  bool Resume();

  // Tells the handler how it ended, unless it was cancelled.
  void Finish(CURLcode code) noexcept;
  void FinishWithSilence() noexcept;
  void FinishUnconnected() noexcept;
  void FinishOutOfMemory() noexcept;
  void Stop() noexcept;

  // How much longer it may stay silent; zero or less: too long already, and never while paused. `socket`: its
  // connection's; -1: it has none.
  std::chrono::milliseconds SilenceLeft(SteadyTime now, int socket);
  // When it is to be asked again, if `left` are left: sooner while the system may still be sending what it was given.
  std::chrono::milliseconds NextLook(std::chrono::milliseconds left) const;
  bool may_be_sending() const { return sending_; }
  bool has_silence_limit() const { return request_.silence_timeout.count() > 0; }
  TimerId silence_timer = 0;

  long local_port() const;  // its connection's; 0: it has none
  bool connected() const;   // it has a connection that is ready to be used
  std::chrono::milliseconds connect_timeout() const { return request_.target->connect_timeout; }
  TimerId connect_timer = 0;
  // A callback of libcurl's that does not call the handler found no memory.
  void NoteOutOfMemory() { out_of_memory_ = true; }
  bool is_removed = false;  // or will be, when the call into libcurl has returned

 private:
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static int OnReady(void* self, char* address, char* local_address, int port, int local_port) noexcept;
  static int OnProgress(void* self, curl_off_t download_size, curl_off_t downloaded, curl_off_t upload_size,
                        curl_off_t uploaded) noexcept;

  void DropBody();  // if all of it was sent
  // Made fit for an error: without what this transfer sends, and readable.
  std::string Harmless(std::string text) const;
  std::string WhyNotDecoded() const;
  TransferError ErrorOf(CURLcode code) const noexcept;
  std::string DetailOf(TransferError error, CURLcode code) const;
  long ConnectStatus() const noexcept;  // what a proxy answered to CONNECT; 0: nothing
  // `detail()`: the words, if there is memory for them.
  template <typename Detail>
  void End(TransferError error, const Detail& detail) noexcept;
  // What finds no memory is called once more, when the reserve has been given back: it must not have done anything.
  template <typename Call>
  bool CallHandler(const Call& call) noexcept;

  CurlTransport* const transport_;
  const TransferId id_;
  HttpRequest request_;  // libcurl reads its body from here, until DropBody(); wiped at the end
  HttpHandler* handler_;
  std::unique_ptr<char[]> reserve_;  // given back when there is no other memory; null: it was, or there is none
  std::unique_ptr<CurlHandle> curl_;
  char error_[CURL_ERROR_SIZE] = {};
  HttpHead head_;          // until it is delivered
  std::string encodings_;  // the answer's Content-Encoding
  std::size_t head_bytes_ = 0;
  bool has_begun_ = false;
  bool head_delivered_ = false;
  bool failed_ = false;         // the handler threw, or the head is too large
  bool out_of_memory_ = false;  // the handler was, or a callback
  bool is_repeated_ = false;    // libcurl wanted to send the request again after its answer had begun
  bool is_over_ = false;        // all of the answer has come
  bool was_paused_ = false;
  bool paused_ = false;       // the handler wants no more
  bool curl_paused_ = false;  // and libcurl has been told
  SteadyTime last_activity_;
  curl_off_t uploaded_ = 0;  // what the system was given
  bool sending_ = false;     // it may still be sending that
};

}  // namespace warppool::internal
