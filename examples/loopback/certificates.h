// Certificates that live as long as the service: an authority, and a certificate of its for localhost and 127.0.0.1.
// Keys are made in memory and never written anywhere.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace loopback {

struct TlsContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsContextDeleter>;

struct Certificates {
  TlsContext context;         // presents the certificate
  std::string authority_pem;  // what a client must trust
};

// Throws std::runtime_error.
Certificates MakeCertificates();

// A file that only its owner can read, removed with this object. Throws std::runtime_error.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace loopback
