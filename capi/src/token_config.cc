#include "token_config.h"

#include <utility>

#include "arguments.h"
#include "bearer_source.h"

namespace warppool::capi {
namespace {

// Of a credential that is a text.
std::optional<CredentialKind> ToKind(warppool_credential_kind kind) {
  switch (kind) {
    case WARPPOOL_CREDENTIAL_REFRESH_TOKEN:
    case WARPPOOL_CREDENTIAL_API_KEY:
      return static_cast<CredentialKind>(kind);
    case WARPPOOL_CREDENTIAL_CALLBACK:
      break;
  }
  return std::nullopt;
}

Status NotEmpty(const char* text, const char* name) {
  if (Status status = NotNull({{text, name}}); !status.ok()) return status;
  return *text == '\0' ? Invalid(name, "must not be empty") : Status();
}

}  // namespace

std::optional<Tier> ToTier(warppool_tier tier) {
  switch (tier) {
    case WARPPOOL_TIER_PERSONAL:
    case WARPPOOL_TIER_SHARED:
    case WARPPOOL_TIER_ANONYMOUS:
      return static_cast<Tier>(tier);
  }
  return std::nullopt;
}

Status ReadTier(warppool_tier given, TokenConfig* token) {
  const auto tier = ToTier(given);
  if (!tier) return Invalid("tier", "is none of warppool_tier");
  token->tier = *tier;
  return {};
}

Status ReadCredential(warppool_credential_kind kind, const char* credential, TokenConfig* token) {
  if (Status status = NotNull({{credential, "credential"}}); !status.ok()) return status;
  const auto known = ToKind(kind);
  if (!known) return Invalid("kind", "is none of warppool_credential_kind");
  if (Status status = NotEmpty(credential, "credential"); !status.ok()) return status;
  token->kind = *known;
  token->credential = Secret(credential);
  return {};
}

Status ReadCredentialToken(warppool_tier tier, warppool_credential_kind kind, const char* credential, const char* name,
                           TokenConfig* token) {
  if (Status status = NotNull({{credential, "credential"}}); !status.ok()) return status;
  if (Status status = ReadTier(tier, token); !status.ok()) return status;
  if (name != nullptr) token->name = name;
  return ReadCredential(kind, credential, token);
}

Status ReadBearerSource(const warppool_bearer_source* source, TokenConfig* token) {
  if (Status status = NotNull({{source, "source"}}); !status.ok()) return status;
  warppool_bearer_source given = WARPPOOL_BEARER_SOURCE_INIT;
  constexpr size_t kFirst = WARPPOOL_SIZE_UP_TO(warppool_bearer_source, user_data);
  if (Status status = ReadStruct(source, kFirst, "source", &given); !status.ok()) return status;
  if (given.supply == nullptr) return Invalid("source.supply", "must not be NULL");
  token->kind = CredentialKind::kCallback;
  token->bearer_source = WrapBearerSource(given);
  return {};
}

Status ReadBearerToken(warppool_tier tier, const char* name, const warppool_bearer_source* source, TokenConfig* token) {
  if (Status status = NotNull({{name, "name"}, {source, "source"}}); !status.ok()) return status;
  if (Status status = ReadTier(tier, token); !status.ok()) return status;
  if (Status status = NotEmpty(name, "name"); !status.ok()) return status;
  token->name = name;
  return ReadBearerSource(source, token);
}

}  // namespace warppool::capi
