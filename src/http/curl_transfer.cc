#include "http/curl_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <utility>

#include "base/ascii.h"
#include "base/readable.h"
#include "base/redact.h"
#include "base/wipe.h"
#include "platform/connection.h"

namespace warppool::internal {
namespace {

// libcurl 7.88 bounds a line of the head, but not the head.
constexpr std::size_t kMaxHeadBytes = 256U << 10U;

constexpr std::size_t kUsualHeaders = 8;

// More than the head and the body of an answer that is precious usually take.
constexpr std::size_t kReserveBytes = 32U << 10U;

// How often the system is asked whether it is still sending.
constexpr std::chrono::milliseconds kSendingLook{500};

// Of the Content-Encoding, what an error quotes.
constexpr std::size_t kMaxQuotedEncoding = 100;

// The number in "HTTP/1.1 200 OK"; 0 if there is none.
int StatusOf(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return 0;
  int status = 0;
  std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  return status;
}

// CURLE_TOO_LARGE, which libcurl has from 8.6 on.
constexpr int kCurlTooLarge = 100;

// What a proxy's answer to CONNECT means. A 5xx says that it does not reach the address, either.
TransferError ClassifyConnect(long status) {
  if (status == 407) return TransferError::kProxyLogin;
  const bool refused = status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
  return refused ? TransferError::kProxyRefused : TransferError::kNoConnection;
}

TransferError Classify(CURLcode code) {
  if (static_cast<int>(code) == kCurlTooLarge) return TransferError::kTooLarge;
  switch (code) {
    case CURLE_OK:
      return TransferError::kNone;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:  // only connecting has a time limit of libcurl's
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PROXY:
      return TransferError::kNoConnection;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return TransferError::kTlsUntrusted;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
      return TransferError::kTlsSetup;
    case CURLE_UNSUPPORTED_PROTOCOL:  // "HTTP/0.9", that is anything without a status line
    case CURLE_WEIRD_SERVER_REPLY:
      return TransferError::kNotHttp;
    case CURLE_BAD_CONTENT_ENCODING:
      return TransferError::kNotDecoded;
    case CURLE_OUT_OF_MEMORY:
      return TransferError::kOutOfMemory;
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_URL_MALFORMAT:
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
      return TransferError::kInternal;
    default:
      return TransferError::kConnectionLost;
  }
}

}  // namespace

std::string_view HttpHead::Find(std::string_view name) const {
  const auto it =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  return it == headers.end() ? std::string_view() : std::string_view(it->second);
}

CurlTransfer::CurlTransfer(CurlTransport* transport, TransferId id, HttpRequest request, HttpHandler* handler)
    : transport_(transport),
      id_(id),
      request_(std::move(request)),
      handler_(handler),
      reserve_(request_.is_precious ? new char[kReserveBytes] : nullptr),
      last_activity_(std::chrono::steady_clock::now()) {}

CurlTransfer::~CurlTransfer() {
  curl_.reset();  // it points into the body
  Wipe(&request_.body);
  OPENSSL_cleanse(error_, sizeof error_);
}

bool CurlTransfer::SetUp(std::unique_ptr<CurlHandle> handle) {
  if (handle == nullptr) return false;
  curl_ = std::move(handle);
  CURL* easy = curl_->easy();
  bool ok = curl_->Load(request_.bearer, request_.body, error_);
  const auto set = [&](CURLoption option, auto value) { ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK; };
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeader);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_PREREQFUNCTION, &CurlTransfer::OnReady);
  set(CURLOPT_PREREQDATA, this);
  set(CURLOPT_XFERINFOFUNCTION, &CurlTransfer::OnProgress);
  set(CURLOPT_XFERINFODATA, this);
  return ok;
}

std::unique_ptr<CurlHandle> CurlTransfer::TakeHandle() {
  return is_over_ && !was_paused_ ? std::move(curl_) : nullptr;
}

template <typename Call>
bool CurlTransfer::CallHandler(const Call& call) noexcept {
  if (handler_ == nullptr || failed_) return false;
  for (bool again = true; std::exchange(again, false);) {
    try {
      call(handler_);
    } catch (const std::bad_alloc&) {
      again = reserve_ != nullptr;
      reserve_.reset();
      failed_ = out_of_memory_ = !again;
    } catch (...) {
      failed_ = true;
    }
  }
  return handler_ != nullptr && !failed_;
}

template <typename Detail>
void CurlTransfer::End(TransferError error, const Detail& detail) noexcept {
  HttpHandler* handler = std::exchange(handler_, nullptr);
  if (handler == nullptr) return;
  TransferResult result{error, {}};
  try {
    result.detail = detail();
  } catch (...) {  // NOLINT(bugprone-empty-catch): the handler is told without words
  }
  try {
    handler->OnDone(result);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the last call; handlers see to their own errors
  }
}

std::size_t CurlTransfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const std::size_t length = size * count;
  transfer->last_activity_ = std::chrono::steady_clock::now();
  if (transfer->head_delivered_) return length;  // trailers
  const bool ok = transfer->CallHandler([&](HttpHandler* handler) {
    HttpHead& head = transfer->head_;
    transfer->head_bytes_ += length;
    if (transfer->head_bytes_ > kMaxHeadBytes) {
      transfer->failed_ = true;
      return;
    }
    const std::string_view line = TrimAsciiBlanks({data, length});
    if (line.substr(0, 5) == "HTTP/") {
      head = {.status = StatusOf(line), .headers = {}};
      head.headers.reserve(kUsualHeaders);
      transfer->encodings_.clear();
    } else if (line.empty()) {
      if (head.status < 200) return;  // 1xx: the real head follows
      transfer->head_delivered_ = true;
      transfer->DropBody();
      handler->OnHead(std::move(head));
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      const auto& header =
          head.headers.emplace_back(AsciiLower(line.substr(0, colon)), TrimAsciiBlanks(line.substr(colon + 1)));
      if (header.first == "content-encoding") {
        transfer->encodings_ += (transfer->encodings_.empty() ? "" : ", ") + header.second;
      }
    }
  });
  return ok ? length : 0;
}

std::size_t CurlTransfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (transfer->paused_) {
    transfer->curl_paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  transfer->last_activity_ = std::chrono::steady_clock::now();
  const bool ok = transfer->CallHandler([&](HttpHandler* handler) { handler->OnBody({data, size * count}); });
  return ok ? size * count : 0;
}

// Called before a request is sent. libcurl would send it again in mid-answer, and append the second answer to the
// first, if the service resets an HTTP/2 stream and wants HTTP/1.1; the body may be dropped by then, too.
int CurlTransfer::OnReady(void* self, char* /*address*/, char* /*local_address*/, int /*port*/,
                          int /*local_port*/) noexcept {
  auto* transfer = static_cast<CurlTransfer*>(self);
  transfer->is_repeated_ = transfer->head_delivered_;
  return transfer->is_repeated_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

// What was asked may be long, and an answer lasts. It is not sent again once an answer has begun: see OnReady().
void CurlTransfer::DropBody() {
  if (uploaded_ != static_cast<curl_off_t>(request_.body.size())) return;
  Wipe(&request_.body);
  request_.body.shrink_to_fit();
}

// Called after each step that libcurl takes, for the first time before it connects: what it has sent, it has sent now.
int CurlTransfer::OnProgress(void* self, curl_off_t /*download_size*/, curl_off_t /*downloaded*/,
                             curl_off_t /*upload_size*/, curl_off_t uploaded) noexcept {
  auto* transfer = static_cast<CurlTransfer*>(self);
  if (!std::exchange(transfer->has_begun_, true)) transfer->curl_->LimitConnecting();
  if (uploaded == transfer->uploaded_) return 0;
  transfer->uploaded_ = uploaded;
  transfer->sending_ = true;
  transfer->last_activity_ = std::chrono::steady_clock::now();
  return 0;
}

bool CurlTransfer::Resume() {
  paused_ = false;
  last_activity_ = std::chrono::steady_clock::now();
  return std::exchange(curl_paused_, false);
}

void CurlTransfer::Finish(CURLcode code) noexcept {
  is_over_ = code == CURLE_OK;
  const TransferError error = ErrorOf(code);
  End(error, [&] { return DetailOf(error, code); });
}

void CurlTransfer::FinishOutOfMemory() noexcept {
  End(TransferError::kOutOfMemory, [] { return std::string(); });
}

long CurlTransfer::ConnectStatus() const noexcept {
  long status = 0;
  if (easy() != nullptr) curl_easy_getinfo(easy(), CURLINFO_HTTP_CONNECTCODE, &status);
  return status;
}

// Takes no memory: that there is none is told, too.
TransferError CurlTransfer::ErrorOf(CURLcode code) const noexcept {
  if (head_bytes_ > kMaxHeadBytes) return TransferError::kNotHttp;
  if (out_of_memory_ && code != CURLE_OK) return TransferError::kOutOfMemory;
  if (failed_) return TransferError::kInternal;
  if (code == CURLE_OK && !head_delivered_) return TransferError::kNotHttp;
  if (code == CURLE_ABORTED_BY_CALLBACK && is_repeated_) return TransferError::kConnectionLost;
  const long connect_status = ConnectStatus();
  if (code != CURLE_OK && !head_delivered_ && connect_status >= 300 && code != CURLE_BAD_CONTENT_ENCODING) {
    return ClassifyConnect(connect_status);
  }
  return Classify(code);
}

std::string CurlTransfer::DetailOf(TransferError error, CURLcode code) const {
  if (head_bytes_ > kMaxHeadBytes) return "the answer's head is larger than 256 KiB";
  if (error == TransferError::kOutOfMemory) return {};
  if (failed_) return "the answer could not be handled";
  if (error == TransferError::kNotDecoded) return WhyNotDecoded();
  if (code == CURLE_OK && !head_delivered_) return "the answer has no head";
  if (code == CURLE_ABORTED_BY_CALLBACK && is_repeated_) {
    return "the service wants the request again, over another connection";
  }
  if (code != CURLE_OK && !head_delivered_ && ConnectStatus() >= 300) {
    return fmt::format("CONNECT is answered with {}", ConnectStatus());
  }
  return Harmless(error_[0] != '\0' ? error_ : curl_easy_strerror(code));
}

std::string CurlTransfer::Harmless(std::string text) const {
  Redact(request_.bearer.Reveal(), &text);
  if (curl_) Redact(curl_->secrets(), &text);
  return Readable(text);
}

std::string CurlTransfer::WhyNotDecoded() const {
  return fmt::format("the answer is encoded with \"{}\", which libcurl cannot decode: {}",
                     Readable(Harmless(encodings_), kMaxQuotedEncoding),
                     Harmless(error_[0] != '\0' ? error_ : curl_easy_strerror(CURLE_BAD_CONTENT_ENCODING)));
}

void CurlTransfer::FinishWithSilence() noexcept {
  End(TransferError::kSilence, [&] { return fmt::format("no byte for {} ms", request_.silence_timeout.count()); });
}

void CurlTransfer::Stop() noexcept {
  End(TransferError::kStopped, [] { return "the client is being destroyed"; });
}

void CurlTransfer::FinishUnconnected() noexcept {
  End(TransferError::kNoConnection, [&] { return fmt::format("not within {} ms", connect_timeout().count()); });
}

long CurlTransfer::local_port() const {
  long port = 0;
  curl_easy_getinfo(easy(), CURLINFO_LOCAL_PORT, &port);
  return port;
}

bool CurlTransfer::connected() const {
  curl_off_t since = 0;  // when the first byte could have been sent; 0: not yet
  curl_easy_getinfo(easy(), CURLINFO_PRETRANSFER_TIME_T, &since);
  return since > 0;
}

std::chrono::milliseconds CurlTransfer::SilenceLeft(SteadyTime now, int socket) {
  if (paused_) last_activity_ = now;
  if (sending_) {
    // On a slow line the system goes on sending for long after it was given the last byte.
    const auto state = socket < 0 ? std::nullopt : ReadSendState(socket);
    if (state && state->since_sent) last_activity_ = std::max(last_activity_, now - *state->since_sent);
    sending_ = state && !state->empty;
  }
  return request_.silence_timeout - std::chrono::floor<std::chrono::milliseconds>(now - last_activity_);
}

std::chrono::milliseconds CurlTransfer::NextLook(std::chrono::milliseconds left) const {
  return sending_ ? std::min(left, kSendingLook) : left;
}

}  // namespace warppool::internal
