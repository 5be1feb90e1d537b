#include <openssl/crypto.h>

#include <algorithm>

#include "warppool/config.h"

namespace warppool {

Secret::Secret(std::string_view text) : size_(text.size()) {
  if (text.empty()) return;
  bytes_ = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), bytes_.get());
}

Secret::~Secret() {
  if (bytes_) OPENSSL_cleanse(bytes_.get(), size_);
}

}  // namespace warppool
