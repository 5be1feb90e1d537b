// What a token exchange answered, and what becomes of it.
//
// The input's first line is a status and what Retry-After says ("429 120"); a status below 100 is an exchange that
// brought no answer, as TransferError says, and 99 is an answer that is too large. The rest is the body, in which @S
// stands for the credential that was sent, @K for the API key, and @s and @k for the same in JSON's escapes.
#include "token/exchange.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "promise.h"

namespace warppool::internal {
namespace {

using Answer = std::variant<ExchangeSuccess, ExchangeFailure>;

struct Secrets {
  std::string sent;
  std::string key;
};

// Secrets that no input can hold: another input has others. Of letters that mean nothing in JSON or among the service's
// words: else two secrets might be read as different things.
std::string FakeSecret(std::string_view input, std::string_view salt) {
  std::size_t hash = std::hash<std::string>()(std::string(salt).append(input));
  std::string secret;
  for (int i = 0; i < 16; ++i, hash >>= 4U) secret += "ghijklmopqsvwxyz"[hash & 15U];
  return secret;
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  return escaped;
}

std::string WithSecrets(std::string_view body, const Secrets& secrets) {
  std::string out;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const std::string_view mark = body.substr(i, 2);
    i += 1;
    if (mark == "@S") {
      out += secrets.sent;
    } else if (mark == "@K") {
      out += secrets.key;
    } else if (mark == "@s") {
      out += Escaped(secrets.sent);
    } else if (mark == "@k") {
      out += Escaped(secrets.key);
    } else {
      out += mark.front();
      i -= 1;
    }
  }
  return out;
}

FetchResult MakeAnswer(std::string_view input, const Secrets& secrets) {
  const std::string_view line = input.substr(0, input.find('\n'));
  const std::string_view body = input.substr(std::min(line.size() + 1, input.size()));
  int number = 200;
  const char* end = std::from_chars(line.data(), line.data() + line.size(), number).ptr;
  number = std::clamp(number, 0, 999);
  const std::string_view retry_after = line.substr(static_cast<std::size_t>(end - line.data()));

  FetchResult answer;
  answer.body = WithSecrets(body, secrets);
  answer.too_large = number == 99;
  if (number >= 100) {
    answer.head.status = number;
    if (!retry_after.empty()) answer.head.headers.emplace_back("retry-after", retry_after);
  } else {
    constexpr int kErrors = static_cast<int>(TransferError::kInternal);
    answer.transfer = {static_cast<TransferError>(1 + number % kErrors),
                       "fake: nobody took " + secrets.sent + " with " + secrets.key};
  }
  return answer;
}

Answer Read(std::string_view input, const Secrets& secrets, bool has_key) {
  return ReadExchange(MakeAnswer(input, secrets), {"https://fake.invalid/token", "THE_SETTING"}, Secret(secrets.sent),
                      Secret(has_key ? std::string_view(secrets.key) : ""), WallTime(std::chrono::hours(400'000)));
}

void CheckSuccess(const ExchangeSuccess& success) {
  Promise(!success.bearer.empty(), "a success has a bearer");
  for (const char c : success.bearer.Reveal()) Promise(c > 0x20 && c < 0x7f, "a bearer can stand in a header");
  Promise(!success.life || success.life->count() >= 0, "a life is not negative");
}

void CheckFailure(const ExchangeFailure& failure, const FetchResult& answer) {
  Promise(failure.outcome != Outcome::kSuccess && !failure.status.ok(), "a failure is none by its outcome and status");
  const Error& error = failure.status.error();
  Promise(!error.message.empty(), "a failure says what happened");
  Promise(!error.retry_after || error.retry_after->count() >= 0, "nobody waits for the past");
  if (answer.head.status == 0) return;  // the transport's words are not the service's
  for (const std::string& text : {error.message, error.service_code}) {
    Promise(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; }),
            "what is said of an answer can be printed");
    Promise(text.size() < 1000, "what is said of an answer is short");
  }
}

}  // namespace
}  // namespace warppool::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace warppool::internal;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Secrets secrets{FakeSecret(input, "a"), FakeSecret(input, "b")};
  const bool has_key = size % 2 == 0;

  const Answer answer = Read(input, secrets, has_key);
  if (const auto* success = std::get_if<ExchangeSuccess>(&answer)) {
    CheckSuccess(*success);
    return 0;
  }
  const auto& failure = std::get<ExchangeFailure>(answer);
  CheckFailure(failure, MakeAnswer(input, secrets));
  // A status that told of a secret, or of a part of one, would be another with other secrets.
  const Answer other = Read(input, {FakeSecret(input, "c"), has_key ? FakeSecret(input, "d") : secrets.key}, has_key);
  Promise(std::holds_alternative<ExchangeFailure>(other), "whether it is a success does not depend on the secrets");
  Promise(std::get<ExchangeFailure>(other).status.ToString() == failure.status.ToString(), "no secret is in a status");
  return 0;
}
