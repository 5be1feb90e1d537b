// For secrets that pass through plain strings on their way to the wire, and from it.
#pragma once

#include <openssl/crypto.h>

#include <string>

namespace warppool::internal {

// Overwrites the text and empties it. What earlier copies or a grown string left behind is out of reach.
inline void Wipe(std::string* text) {
  OPENSSL_cleanse(text->data(), text->size());
  text->clear();
}

}  // namespace warppool::internal
