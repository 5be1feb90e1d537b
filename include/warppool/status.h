// How this library says that something failed: a Status, or a Result<T> that holds a value or a Status.
//
//   auto client = warppool::Client::Create(config);
//   if (!client.ok()) {
//     std::cerr << client.status().ToString() << "\n";
//     return 1;
//   }
//   (*client)->Ask(...);
//
// No function of a client or a stream throws, nor do LoadConfig() and Validate(); what allocates by itself, like
// ToString(), may run out of memory as any std::string. A status never holds a secret: it can be logged as it is.
// Both are value types: copy them freely, and use each copy from one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace warppool {

// What happened. The numbers are stable and the same in C (warppool_code); new ones fill the gaps.
enum class Code : int {
  kOk = 0,  // it worked

  // What Stream::Next() says besides "here is an event".
  kTimeout = 1,    // nothing came in time; the operation goes on, ask again
  kEnd = 2,        // the answer is complete
  kCancelled = 3,  // the program cancelled it, or destroyed what it ran on

  // The program's doing.
  kInvalidArgument = 10,  // an argument is out of its range; the message names it
  kMisuse = 11,           // the call is not allowed here: wrong thread, closed client, after a fork
  kInvalidConfig = 12,    // configuration; the message names file and line, or the variable
  kNoTokens = 13,         // the configuration holds no token; the message names the variables to set
  kMisconfigured = 14,    // the service or the network contradicts a setting; the message names the setting
  kOutOfMemory = 15,      // memory ran out
  kInternal = 16,         // a defect of this library, or a callback that threw

  // The tokens. Status::attempts() says what happened to each that was tried.
  kUnauthorized = 20,     // every token that was tried was refused
  kQuotaExhausted = 21,   // the quota of every token that was tried, or of this account in mid-answer, is used up
  kNoTokenReady = 22,     // no token can serve: all are disabled, cooling, resting or busy (of one token: it is)
  kAllTokensFailed = 23,  // every token failed, for reasons that differ

  // The way to the service, and the service. Trying again later may help, but for kRequestRejected.
  kNetwork = 30,           // no connection, connection lost, or silence for longer than the limit
  kOverloaded = 31,        // 408, 425, 429 without a word about quota, 5xx but the service's own 500; asked too often
  kServerError = 32,       // 500 of the service's own
  kRequestRejected = 33,   // another 4xx, or the model: the request itself is at fault, no token would help
  kDeadlineExceeded = 34,  // the request's own time-out passed
  kBlocked = 35,           // a proxy, a firewall or the edge answered in the service's place; the message says how

  // The answer. The place (event, byte) is in the message.
  kNotAStream = 40,        // the answer is no event stream
  kEmptyAnswer = 41,       // the answer ended before its first byte
  kTruncated = 42,         // the stream ended in good order, but without its last event
  kConnectionLost = 43,    // the connection broke in the middle of the stream
  kUndecodableEvent = 44,  // an event is not base64, or not the message it should be
  kLimitExceeded = 45,     // a limit of the configuration; the message names it
  kInvalidAction = 46,     // the service changes something that the conversation does not have

  // The agent finished, but not with "done". What came before is valid.
  kMaxTokenLimit = 60,          // the model's limit for one answer
  kContextWindowExceeded = 61,  // the conversation is too long for the model
  kModelUnavailable = 62,       // the model is not there, or too busy; retry_after may say for how long
  kAgentError = 63,             // an error inside the service, with its message
  kInvalidModelKey = 64,        // a model provider's key that the request brought was refused
  kFinishedOther = 65,          // "other": the service does not say
  kFinishedUnknown = 66,        // a reason that this version does not know
};

// The code's name in lower case ("quota_exhausted"), for logs. Never NULL. Any thread.
const char* CodeName(Code code) noexcept;

// What one token contributed to a failed request.
struct Attempt {
  std::string token;  // its name
  Code code = Code::kOk;
  std::string message;
};

// Everything that is known of a failure.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string token{};         // the name of the token that it concerns; empty: none
  int http_status = 0;         // what the service answered; 0: it did not
  std::string service_code{};  // the service's own code, like TOKEN_EXPIRED; empty: none
  std::string user_message{};  // what the service wants the user to read; empty: nothing
  bool retryable = false;      // the same call may succeed later, unchanged

  // When trying again may help: what the service asks for or, where no token is ready, until the first one is.
  std::optional<std::chrono::milliseconds> retry_after{};

  // What each token contributed, oldest first.
  std::vector<Attempt> attempts{};
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  explicit Status(Error error);
  Status(Code code, std::string message);
  static Status OutOfMemory() noexcept;  // kOutOfMemory, and takes no memory
  // `status`, or kInternal if it is OK: for what holds no value and must say why.
  static Status AsFailure(Status status) noexcept;

  bool ok() const noexcept { return error_ == nullptr; }
  Code code() const noexcept { return error_ ? error_->code : Code::kOk; }

  // One sentence, without the token's name and the code. Empty when ok.
  const std::string& message() const noexcept { return error().message; }
  const std::string& token() const noexcept { return error().token; }
  const std::vector<Attempt>& attempts() const noexcept { return error().attempts; }
  bool retryable() const noexcept { return error().retryable; }

  // All of it; a default Error with Code::kOk when ok. Valid as long as this object.
  const Error& error() const noexcept;

  // "code: message", with the token, the service's words and each attempt on lines of their own. "ok" when ok.
  std::string ToString() const;

 private:
  std::shared_ptr<const Error> error_;  // null: OK
};

// A value, or why there is none. Reading the value of a failed Result is undefined, as with std::optional.
template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit, so that a function can return either.
  Result(T value) : value_(std::move(value)) {}
  // An OK status gives no value and is no reason to have none: it becomes kInternal.
  Result(Status status) : status_(Status::AsFailure(std::move(status))) {}

  bool ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  const Status& status() const noexcept { return status_; }
  Code code() const noexcept { return status_.code(); }

  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;  // empty exactly when status_ is not OK
};

}  // namespace warppool
