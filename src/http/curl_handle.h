// An easy handle of libcurl's, set up for a target. One whose transfer went well is used for the next one to the same
// target, which needs little more than its body: to make and set up another costs more than choosing a token.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "base/proxy_url.h"
#include "http/transport.h"

namespace warppool::internal {

struct CurlOptions {
  std::string ca_bundle;  // empty: libcurl's default
  ProxyUrl proxy{};       // without an address: none
  std::string no_proxy;
};

// The loop's thread only.
class CurlHandle {
 public:
  // Null: libcurl refused an option, or has no memory.
  static std::unique_ptr<CurlHandle> Make(std::shared_ptr<const HttpTarget> target, const CurlOptions& options);

  CURL* easy() const { return easy_.get(); }
  const HttpTarget* target() const { return target_.get(); }
  const SharedSecrets& secrets() const { return secrets_; }  // the proxy's, if it is used

  // What it sends next. `body` must live until all of it is sent and the answer has begun, `error_buffer` until the
  // transfer is over. False: libcurl refused an option, or has no memory.
  bool Load(const Secret& bearer, const std::string& body, char* error_buffer);
  // The transfer has begun: libcurl divides the time for connecting among the addresses of a host (that it ends is the
  // transport's own doing). Had it been told before, it would set a timer, keep that for the whole time, connected or
  // not, and file it anew at every chunk of the answer, among those of all other transfers.
  void LimitConnecting();
  // Forgets what was set for the last transfer.
  void Unload();

 private:
  explicit CurlHandle(std::shared_ptr<const HttpTarget> target) : target_(std::move(target)) {}
  bool SetUp(const CurlOptions& options);
  bool SetUrl();
  bool SetProxy(const ProxyUrl& proxy);
  bool AddHeader(const std::string& line);
  bool LoadBearer(const Secret& bearer);

  struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  struct BearerDeleter {
    void operator()(curl_slist* line) const;
  };
  struct UrlDeleter {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
  };

  const std::shared_ptr<const HttpTarget> target_;
  SharedSecrets secrets_;
  std::unique_ptr<CURLU, UrlDeleter> url_;  // read once, and not for each transfer
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  std::unique_ptr<curl_slist, BearerDeleter> bearer_;  // the line before them; null: none
  std::unique_ptr<CURL, EasyDeleter> easy_{curl_easy_init()};
};

// A few handles that wait for the next transfer to their target. The loop's thread only.
class IdleCurlHandles {
 public:
  // Null: there is none.
  std::unique_ptr<CurlHandle> Take(const HttpTarget* target);
  // Kept, if there is room for it.
  void Put(std::unique_ptr<CurlHandle> handle) noexcept;
  void Clear() { handles_.clear(); }

 private:
  std::vector<std::unique_ptr<CurlHandle>> handles_;  // the last one was used last
};

}  // namespace warppool::internal
