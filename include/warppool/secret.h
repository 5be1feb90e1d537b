// A credential, kept so that it does not get out by mistake.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace warppool {

// In bytes. What is shorter is no secret: it is found by trying, and taking it out of a log would take pieces out of
// words, and show it by the gaps. A token or an API key that is shorter is refused when it is configured. What others
// choose (a proxy's password, a bearer that the program supplies, a JWT, a model provider's key) is used when it is
// shorter, too, and left where an error quotes it.
inline constexpr std::size_t kMinSecretBytes = 8;

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
