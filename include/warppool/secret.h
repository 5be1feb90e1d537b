// A credential, kept so that it does not get out by mistake.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace warppool {

// A credential in memory. Wiped when it is destroyed or overwritten; never printed, and there is no operator<< for it.
// Moving it leaves no copy behind. Reveal() is the one way to its bytes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text);
  Secret(const Secret& other) : Secret(other.Reveal()) {}
  Secret(Secret&& other) noexcept { swap(other); }
  Secret& operator=(Secret other) noexcept {
    swap(other);
    return *this;
  }
  ~Secret();

  bool empty() const noexcept { return size_ == 0; }
  std::string_view Reveal() const noexcept { return {bytes_.get(), size_}; }

  void swap(Secret& other) noexcept {
    bytes_.swap(other.bytes_);
    std::swap(size_, other.size_);
  }
  friend bool operator==(const Secret& a, const Secret& b) noexcept { return a.Reveal() == b.Reveal(); }
  friend bool operator!=(const Secret& a, const Secret& b) noexcept { return !(a == b); }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace warppool
