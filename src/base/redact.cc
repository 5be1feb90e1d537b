#include "base/redact.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/base64url.h"
#include "base/wipe.h"

namespace warppool::internal {
namespace {

constexpr std::string_view kInstead = "[secret]";

// A text that was decoded, and where in the original each byte of it comes from.
struct DecodedText {
  DecodedText() = default;
  DecodedText(DecodedText&&) = default;
  DecodedText& operator=(DecodedText&&) = default;
  ~DecodedText() { Wipe(&bytes); }

  std::string bytes;
  std::vector<std::size_t> begins;  // and at the end the size of the original
};

DecodedText AsItIs(std::string_view text) {
  DecodedText decoded;
  decoded.bytes = text;
  for (std::size_t i = 0; i <= text.size(); ++i) decoded.begins.push_back(i);
  return decoded;
}

// The number of `digits` hexadecimal digits at the front of `text`; nothing: they are not there.
std::optional<unsigned> HexAt(std::string_view text, std::size_t digits) {
  const std::string_view number = text.substr(0, digits);
  if (number.size() < digits || !std::all_of(number.begin(), number.end(), IsAsciiHexDigit)) return std::nullopt;
  unsigned value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value, 16);
  return value;
}

// What one encoded character stands for. Length 0: nothing is encoded here.
struct Unit {
  std::size_t length = 0;
  unsigned code_point = 0;
};

Unit PercentUnit(std::string_view text) {
  if (text.front() != '%') return {};
  const auto byte = HexAt(text.substr(1), 2);
  return byte ? Unit{3, *byte} : Unit{};
}

Unit JsonUnit(std::string_view text) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (text.front() != '\\' || text.size() < 2) return {};
  if (const std::size_t which = kLetters.find(text[1]); which != kLetters.npos) {
    return {2, static_cast<unsigned char>(kMeanings[which])};
  }
  const auto code = text[1] == 'u' ? HexAt(text.substr(2), 4) : std::nullopt;
  return code ? Unit{6, *code} : Unit{};
}

void AppendUtf8(unsigned code_point, std::string* to) {
  const auto add = [&](unsigned byte) { to->push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code_point < 0x80) return add(code_point);
  if (code_point < 0x800) {
    add(0xC0U | code_point >> 6U);
  } else {
    add(0xE0U | code_point >> 12U);
    add(0x80U | (code_point >> 6U & 0x3FU));
  }
  add(0x80U | (code_point & 0x3FU));
}

// `is_byte`: what is encoded is a byte, and no character.
DecodedText Decode(const DecodedText& text, Unit (*read)(std::string_view), bool is_byte) {
  DecodedText decoded;
  decoded.bytes.reserve(text.bytes.size());  // no form is shorter than what it stands for
  for (std::size_t i = 0; i < text.bytes.size();) {
    const Unit unit = read(std::string_view(text.bytes).substr(i));
    if (unit.length == 0 || is_byte) {
      decoded.bytes +=
          unit.length == 0 ? text.bytes[i] : static_cast<char>(static_cast<unsigned char>(unit.code_point));
    } else {
      AppendUtf8(unit.code_point, &decoded.bytes);
    }
    decoded.begins.resize(decoded.bytes.size(), text.begins[i]);
    i += std::max<std::size_t>(unit.length, 1);
  }
  decoded.begins.push_back(text.begins.back());
  return decoded;
}

// What base64 makes of the secret, as far as that does not depend on what stands before and behind it; and how many
// characters at either end hold the rest of it.
struct Base64Form {
  std::string text;
  std::size_t before = 0;
  std::size_t behind = 0;
};

// `offset`: how many bytes of the first group of three stand before the secret.
Base64Form InBase64(std::string_view secret, std::size_t offset) {
  std::string bytes(offset, '\0');
  bytes.reserve(offset + secret.size());
  bytes += secret;
  std::string encoded = EncodeBase64Url(bytes);
  const std::size_t first = (8 * offset + 5) / 6;
  const std::size_t end = 8 * bytes.size() / 6;
  Base64Form form{encoded.substr(first, end - first), offset == 0 ? 0U : 1U, 8 * bytes.size() % 6 == 0 ? 0U : 1U};
  Wipe(&bytes);
  Wipe(&encoded);
  return form;
}

bool IsInBase64(char c) {
  return IsAsciiLetter(c) || IsAsciiDigit(c) || c == '-' || c == '_';
}

// The places of one secret in one text.
class Finder {
 public:
  Finder(std::string_view secret, const std::string& text) : secret_(secret) {
    const DecodedText plain = AsItIs(text);
    Look(plain);
    if (text.find('\\') == text.npos) return;
    const DecodedText once = Decode(plain, &JsonUnit, false);
    Look(once);
    Look(Decode(once, &JsonUnit, false));
  }

  // In the order of the text, and apart from each other.
  std::vector<std::pair<std::size_t, std::size_t>> Take() {
    std::sort(found_.begin(), found_.end());
    std::vector<std::pair<std::size_t, std::size_t>> merged;
    for (const auto& place : found_) {
      if (!merged.empty() && place.first < merged.back().second) {
        merged.back().second = std::max(merged.back().second, place.second);
      } else {
        merged.push_back(place);
      }
    }
    return merged;
  }

 private:
  void Look(const DecodedText& text) {
    LookForIt(text);
    if (text.bytes.find('%') == text.bytes.npos) return;
    LookForIt(Decode(text, &PercentUnit, true));
  }

  void LookForIt(const DecodedText& text) {
    ForEachPlace(text.bytes, secret_, [&](std::size_t at) { Add(text, at, at + secret_.size()); });
    DecodedText same;  // in one alphabet
    same.bytes = text.bytes;
    std::replace(same.bytes.begin(), same.bytes.end(), '+', '-');
    std::replace(same.bytes.begin(), same.bytes.end(), '/', '_');
    for (std::size_t offset = 0; offset < 3; ++offset) {
      Base64Form form = InBase64(secret_, offset);
      ForEachPlace(same.bytes, form.text, [&](std::size_t at) {
        std::size_t begin = at;
        std::size_t end = at + form.text.size();
        if (form.before > 0 && begin > 0 && IsInBase64(same.bytes[begin - 1])) --begin;
        if (form.behind > 0 && end < same.bytes.size() && IsInBase64(same.bytes[end])) ++end;
        while (end < same.bytes.size() && same.bytes[end] == '=') ++end;
        Add(text, begin, end);
      });
      Wipe(&form.text);
    }
  }

  template <typename Call>
  static void ForEachPlace(std::string_view text, std::string_view what, const Call& call) {
    for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) call(at);
  }

  void Add(const DecodedText& text, std::size_t begin, std::size_t end) {
    found_.emplace_back(text.begins[begin], text.begins[end]);
  }

  const std::string_view secret_;
  std::vector<std::pair<std::size_t, std::size_t>> found_;
};

}  // namespace

void Redact(std::string_view secret, std::string* text) {
  if (secret.size() < kMinSecretBytes || text->empty()) return;
  const auto places = Finder(secret, *text).Take();
  if (places.empty()) return;
  std::string out;
  std::size_t copied = 0;  // of `text`, into `out`
  for (const auto& [begin, end] : places) {
    out.append(*text, copied, begin - copied).append(kInstead);
    copied = end;
  }
  out.append(*text, copied);
  Wipe(text);
  *text = std::move(out);
}

void Redact(const SharedSecrets& secrets, std::string* text) {
  if (secrets == nullptr) return;
  for (const Secret& secret : *secrets) Redact(secret.Reveal(), text);
}

Status Redacted(const Status& status, std::string_view secret) {
  if (status.ok()) return status;
  Error error = status.error();
  for (std::string* text : {&error.message, &error.service_code, &error.user_message}) Redact(secret, text);
  for (Attempt& attempt : error.attempts) Redact(secret, &attempt.message);
  return Status(std::move(error));
}

}  // namespace warppool::internal
