// Words of others, made fit for a log, a terminal and a person.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "warppool/status.h"

namespace warppool::internal {

// At most `max_bytes` of `words`, cut between two characters. What is no UTF-8 becomes U+FFFD, and what would move a
// cursor, turn the direction of writing or begin a line becomes a blank.
std::string Readable(std::string_view words, std::size_t max_bytes);
std::string Readable(std::string_view words);  // all of them

// The same for all of an error's texts, none of which is cut. OK stays OK.
Status Readable(const Status& status);

}  // namespace warppool::internal
