// Secrets that come back: a service that quotes what it was sent must not put it into an error.
#pragma once

#include <string>
#include <string_view>

#include "warppool/status.h"

namespace warppool::internal {

// Replaces `secret` by "[secret]" wherever it stands in `text`, in JSON's escapes, too: what is read from a text that
// was redacted does not hold it either. Nothing happens for an empty secret.
void Redact(std::string_view secret, std::string* text);

// As above, in all of an error's texts. OK stays OK.
Status Redacted(const Status& status, std::string_view secret);

}  // namespace warppool::internal
