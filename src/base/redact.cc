#include "base/redact.h"

#include <utility>

namespace warppool {
namespace {

constexpr std::string_view kInstead = "[secret]";

}  // namespace

void Redact(std::string_view secret, std::string* text) {
  if (secret.empty()) return;
  for (std::size_t at = text->find(secret); at != text->npos; at = text->find(secret, at + kInstead.size())) {
    text->replace(at, secret.size(), kInstead);
  }
}

Status Redacted(const Status& status, std::string_view secret) {
  if (status.ok()) return status;
  Error error = status.error();
  for (std::string* text : {&error.message, &error.service_code, &error.user_message}) Redact(secret, text);
  return Status(std::move(error));
}

}  // namespace warppool
