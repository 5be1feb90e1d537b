// How bytes and text are written on the wire. A coding of its own, not the library's: a client that is tested against
// its own mistakes finds none.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace loopback {

// The URL-safe alphabet (RFC 4648, section 5).
std::string EncodeBase64Url(std::string_view bytes, bool padding);

// `text` as a JSON string, quotes included. The bytes from 0x80 on stay as they are.
std::string JsonString(std::string_view text);

// gzip (RFC 1952) around bytes that stay as they are: a head, any number of parts, and a tail made of all their bytes.
// Each part can be decoded as soon as it is there.
std::string GzipHead();
std::string GzipPart(std::string_view bytes);
std::string GzipTail(std::string_view all);

// The checksum of gzip.
std::uint32_t Crc32(std::string_view bytes);

// "2026-11-25T02:35:00Z": RFC 3339 in UTC and whole seconds, rounded down.
std::string DateString(std::chrono::system_clock::time_point time);

// What stands behind the "?" of a request's target.
std::string_view QueryOf(std::string_view target);

// A form body or a query. Strict: every byte that a form encoder would encode must be encoded; nothing if one is not,
// if an escape is broken, or if a name comes twice.
std::optional<std::map<std::string, std::string>> DecodeForm(std::string_view text);

}  // namespace loopback
