// For secrets that pass through plain strings on their way to the wire, and from it.
#pragma once

#include <openssl/crypto.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace warppool::internal {

// Overwrites the text, and what a longer one left in its memory, and empties it. What earlier copies or a grown string
// left behind is out of reach.
inline void Wipe(std::string* text) {
  text->resize(text->capacity());
  OPENSSL_cleanse(text->data(), text->size());
  text->clear();
}

// Appends without leaving a copy behind where the string has to grow.
inline void AppendSecret(std::string_view bytes, std::string* text) {
  if (bytes.size() > text->capacity() - text->size()) {
    std::string larger;
    larger.reserve(std::max(text->size() + bytes.size(), 2 * text->capacity()));
    larger += *text;
    text->swap(larger);
    Wipe(&larger);
  }
  *text += bytes;
}

// Wipes a string of somebody else's when it is left.
class WipedAtEnd {
 public:
  explicit WipedAtEnd(std::string* text) : text_(text) {}
  ~WipedAtEnd() { Wipe(text_); }
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;

 private:
  std::string* const text_;
};

}  // namespace warppool::internal
