// A secret with a NUL behind it, as C wants it and warppool::Secret does not have it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

#include "warppool/config.h"

namespace warppool::capi {

class TerminatedSecret {
 public:
  explicit TerminatedSecret(const Secret& secret)
      : size_(secret.Reveal().size()), bytes_(std::make_unique<char[]>(size_ + 1)) {
    std::copy_n(secret.Reveal().data(), size_, bytes_.get());
  }
  TerminatedSecret(const TerminatedSecret&) = delete;
  TerminatedSecret& operator=(const TerminatedSecret&) = delete;
  ~TerminatedSecret() {
    // Volatile: a compiler may leave out writes to memory that nobody reads before it is freed.
    std::fill_n(static_cast<volatile char*>(bytes_.get()), size_, '\0');
  }

  const char* c_str() const noexcept { return bytes_.get(); }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

}  // namespace warppool::capi
