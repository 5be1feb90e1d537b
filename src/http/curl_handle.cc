#include "http/curl_handle.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/ascii.h"
#include "base/wipe.h"

namespace warppool::internal {
namespace {

// Each has some 20 KiB.
constexpr std::size_t kMostIdleHandles = 8;

// The buffer into which libcurl reads, of which each transfer has its own: an event has some hundred bytes. Over TLS it
// may speak HTTP/2, and then the buffer must have room for a whole frame (16 KiB, as it is by default): else a stream
// that is paused holds back the others of its connection.
constexpr long kPlainReadBytes = 4L << 10U;

constexpr const char* kBearerHeader = "Authorization: Bearer ";

// Up to 8.14.1 libcurl reports progress from before it connects; later ones may do so only when it has.
bool ReportsBeforeConnecting() {
  constexpr unsigned kLastKnown = 0x080e01;
  static const bool reports = curl_version_info(CURLVERSION_NOW)->version_num <= kLastKnown;
  return reports;
}

}  // namespace

std::unique_ptr<CurlHandle> CurlHandle::Make(std::shared_ptr<const HttpTarget> target, const CurlOptions& options) {
  std::unique_ptr<CurlHandle> handle(new CurlHandle(std::move(target)));
  if (handle->easy_ == nullptr || !handle->SetUp(options)) return nullptr;
  return handle;
}

void CurlHandle::BearerDeleter::operator()(curl_slist* line) const {
  line->next = nullptr;  // the target's headers stay
  OPENSSL_cleanse(line->data, std::strlen(line->data));
  curl_slist_free_all(line);
}

bool CurlHandle::SetUrl() {
  url_.reset(curl_url());
  // As libcurl itself would read it, with each transfer.
  return url_ != nullptr && curl_url_set(url_.get(), CURLUPART_URL, target_->url.c_str(),
                                         CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
}

// The log-in apart from the address: libcurl's errors may quote that.
bool CurlHandle::SetProxy(const ProxyUrl& proxy) {
  // Always set, or libcurl would look at the environment.
  if (curl_easy_setopt(easy_.get(), CURLOPT_PROXY, proxy.address.c_str()) != CURLE_OK) return false;
  if (proxy.login.empty()) return true;
  secrets_ = proxy.secrets;
  std::string login(proxy.login.Reveal());  // libcurl wants a NUL at its end, and decodes it
  const WipedAtEnd wiped(&login);
  return curl_easy_setopt(easy_.get(), CURLOPT_PROXYUSERPWD, login.c_str()) == CURLE_OK;
}

bool CurlHandle::AddHeader(const std::string& line) {
  curl_slist* list = curl_slist_append(headers_.get(), line.c_str());
  if (list == nullptr) return false;
  static_cast<void>(headers_.release());  // `list` begins with it
  headers_.reset(list);
  return true;
}

bool CurlHandle::SetUp(const CurlOptions& options) {
  CURL* easy = easy_.get();
  bool ok = SetUrl() && AddHeader("Expect:");  // or bodies over 1 MB wait a second for permission
  for (const auto& [name, value] : target_->headers) ok = ok && AddHeader(fmt::format("{}: {}", name, value));

  const auto set = [&](CURLoption option, auto value) { ok = ok && curl_easy_setopt(easy, option, value) == CURLE_OK; };
  set(CURLOPT_CURLU, url_.get());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);
  // No encoding is asked for: events would wait inside it for each other, and base64 hardly shrinks. But with this
  // option libcurl decodes what comes encoded all the same.
  set(CURLOPT_ACCEPT_ENCODING, "identity");
  set(CURLOPT_POST, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  const bool is_plain = AsciiLower(target_->url.substr(0, 6)) != "https:";
  if (is_plain) set(CURLOPT_BUFFERSIZE, kPlainReadBytes);
  // Rather a stream of a connection that is being made than another connection. Without TLS there is no HTTP/2, and
  // libcurl would find out only by the first answer, which may take long.
  set(CURLOPT_PIPEWAIT, is_plain ? 0L : 1L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_bundle.empty()) {
    set(CURLOPT_CAINFO, options.ca_bundle.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // the bundle alone decides; not every TLS library has paths
  }
  ok = ok && SetProxy(target_->direct ? ProxyUrl() : options.proxy);
  set(CURLOPT_NOPROXY, options.no_proxy.c_str());
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // the bearer is not for the proxy
  set(CURLOPT_NOPROGRESS, 0L);
  return ok;
}

bool CurlHandle::Load(const Secret& bearer, const std::string& body, char* error_buffer) {
  bool ok = true;
  const auto set = [&](CURLoption option, auto value) {
    ok = ok && curl_easy_setopt(easy_.get(), option, value) == CURLE_OK;
  };
  set(CURLOPT_ERRORBUFFER, error_buffer);
  ok = ok && LoadBearer(bearer);
  set(CURLOPT_HTTPHEADER, bearer_ ? bearer_.get() : headers_.get());
  set(CURLOPT_CONNECTTIMEOUT_MS, ReportsBeforeConnecting() ? 0L : static_cast<long>(target_->connect_timeout.count()));
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  set(CURLOPT_POSTFIELDS, body.data());
  return ok;
}

// A header like any other: libcurl's own option for it would write each byte of it twice, and libcurl writes headers
// byte by byte.
bool CurlHandle::LoadBearer(const Secret& bearer) {
  if (bearer.empty()) return true;
  std::string line = kBearerHeader;
  line.reserve(line.size() + bearer.Reveal().size());  // it must not grow: no copy is to stay behind
  line += bearer.Reveal();
  bearer_.reset(curl_slist_append(nullptr, line.c_str()));
  Wipe(&line);
  if (!bearer_) return false;
  bearer_->next = headers_.get();
  return true;
}

void CurlHandle::LimitConnecting() {
  curl_easy_setopt(easy_.get(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(target_->connect_timeout.count()));
}

void CurlHandle::Unload() {
  curl_easy_setopt(easy_.get(), CURLOPT_ERRORBUFFER, nullptr);
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, nullptr);
  bearer_.reset();
  curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, nullptr);
  curl_easy_setopt(easy_.get(), CURLOPT_PRIVATE, nullptr);
}

std::unique_ptr<CurlHandle> IdleCurlHandles::Take(const HttpTarget* target) {
  const auto found =
      std::find_if(handles_.rbegin(), handles_.rend(), [&](const auto& handle) { return handle->target() == target; });
  if (found == handles_.rend()) return nullptr;
  auto handle = std::move(*found);
  handles_.erase(std::next(found).base());
  return handle;
}

void IdleCurlHandles::Put(std::unique_ptr<CurlHandle> handle) noexcept {
  handle->Unload();
  if (handles_.size() == kMostIdleHandles) handles_.erase(handles_.begin());
  try {
    handles_.push_back(std::move(handle));
  } catch (...) {  // NOLINT(bugprone-empty-catch): then the next transfer makes another one
  }
}

}  // namespace warppool::internal
