#include <cstddef>

#include "arguments.h"
#include "guard.h"

using warppool::Attempt;
using warppool::Status;
using warppool::capi::Clear;
using warppool::capi::ErrorPtr;
using warppool::capi::Guard;
using warppool::capi::NotNull;
using warppool::capi::ReadOr;
using warppool::capi::ToC;

namespace warppool::capi {
namespace {

// Exists from its first use to the end of the process, and takes no memory: both texts are short enough to stay inside
// std::string.
warppool_error* OutOfMemoryError() noexcept {
  alignas(warppool_error) static std::byte storage[sizeof(warppool_error)];
  static auto* const error = new (storage) warppool_error{Status::OutOfMemory().error(), "out of memory"};
  return error;
}

void Give(ErrorPtr details, warppool_error** error) noexcept {
  if (error != nullptr) *error = details.release();
}

}  // namespace

void ErrorDeleter::operator()(warppool_error* error) const noexcept {
  if (error != OutOfMemoryError()) delete error;
}

ErrorPtr MakeError(const Status& status) noexcept {
  try {
    return ErrorPtr(new warppool_error{status.error(), status.ToString()});
  } catch (...) {
    return ErrorPtr(OutOfMemoryError());
  }
}

warppool_code Report(const Status& status, warppool_error** error) noexcept {
  const bool failed = !status.ok() && status.code() != Code::kTimeout && status.code() != Code::kEnd;
  if (failed && error != nullptr) Give(MakeError(status), error);
  return ToC(status.code());
}

warppool_code ReportOutOfMemory(warppool_error** error) noexcept {
  Give(ErrorPtr(OutOfMemoryError()), error);
  return WARPPOOL_OUT_OF_MEMORY;
}

warppool_code ReportUnexpected(warppool_error** error) noexcept {
  try {
    // Not what the exception says: it may quote anything.
    return Report(Status(Code::kInternal, "an exception that no function of the library should let out"), error);
  } catch (...) {
    Give(ErrorPtr(OutOfMemoryError()), error);
    return WARPPOOL_INTERNAL;
  }
}

}  // namespace warppool::capi

namespace {

const Attempt* AttemptAt(const warppool_error* error, size_t index) noexcept {
  if (error == nullptr || index >= error->details.attempts.size()) return nullptr;
  return &error->details.attempts[index];
}

}  // namespace

warppool_code warppool_error_code(const warppool_error* error) {
  return ReadOr(error, WARPPOOL_OK, [](const auto& e) { return ToC(e.details.code); });
}

const char* warppool_error_message(const warppool_error* error) {
  return ReadOr(error, "", [](const auto& e) { return e.details.message.c_str(); });
}

const char* warppool_error_token(const warppool_error* error) {
  return ReadOr(error, "", [](const auto& e) { return e.details.token.c_str(); });
}

int32_t warppool_error_http_status(const warppool_error* error) {
  return ReadOr(error, int32_t{0}, [](const auto& e) { return e.details.http_status; });
}

const char* warppool_error_service_code(const warppool_error* error) {
  return ReadOr(error, "", [](const auto& e) { return e.details.service_code.c_str(); });
}

const char* warppool_error_user_message(const warppool_error* error) {
  return ReadOr(error, "", [](const auto& e) { return e.details.user_message.c_str(); });
}

int32_t warppool_error_retryable(const warppool_error* error) {
  return ReadOr(error, int32_t{0}, [](const auto& e) { return e.details.retryable ? 1 : 0; });
}

int64_t warppool_error_retry_after_ms(const warppool_error* error) {
  return ReadOr(error, int64_t{-1}, [](const auto& e) {
    return e.details.retry_after ? static_cast<int64_t>(e.details.retry_after->count()) : -1;
  });
}

size_t warppool_error_attempt_count(const warppool_error* error) {
  return ReadOr(error, size_t{0}, [](const auto& e) { return e.details.attempts.size(); });
}

const char* warppool_error_attempt_token(const warppool_error* error, size_t index) {
  return ReadOr(AttemptAt(error, index), "", [](const Attempt& attempt) { return attempt.token.c_str(); });
}

warppool_code warppool_error_attempt_code(const warppool_error* error, size_t index) {
  return ReadOr(AttemptAt(error, index), WARPPOOL_OK, [](const Attempt& attempt) { return ToC(attempt.code); });
}

const char* warppool_error_attempt_message(const warppool_error* error, size_t index) {
  return ReadOr(AttemptAt(error, index), "", [](const Attempt& attempt) { return attempt.message.c_str(); });
}

const char* warppool_error_to_string(const warppool_error* error) {
  return ReadOr(error, "", [](const auto& e) { return e.text.c_str(); });
}

warppool_code warppool_error_copy(const warppool_error* error, warppool_error** copy) {
  Clear(copy);
  return Guard(nullptr, [&] {
    if (Status status = NotNull({{error, "error"}, {copy, "copy"}}); !status.ok()) return status;
    *copy = new warppool_error(*error);
    return Status();
  });
}

void warppool_error_destroy(warppool_error** error) {
  if (error != nullptr) ErrorPtr(std::exchange(*error, nullptr));
}
