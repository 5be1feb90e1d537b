// Secrets that come back: a service that quotes what it was sent must not put it into an error.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "warppool/secret.h"
#include "warppool/status.h"

namespace warppool::internal {

// Null: none.
using SharedSecrets = std::shared_ptr<const std::vector<Secret>>;

// Replaces `secret` by "[secret]" wherever it stands in `text`, in each form in which it was sent or may be quoted: as
// it is, percent-encoded, in JSON's escapes (also those of a JSON text in a JSON text), in base64 of both alphabets, by
// itself or inside of something longer, and in these on top of each other. So what is decoded from a redacted text does
// not hold it either. Nothing happens for one of fewer than kMinSecretBytes.
void Redact(std::string_view secret, std::string* text);
void Redact(const SharedSecrets& secrets, std::string* text);

// As above, in all of an error's texts. OK stays OK.
Status Redacted(const Status& status, std::string_view secret);

}  // namespace warppool::internal
