// Tokens as a C program describes them.
#pragma once

#include <optional>

#include "warppool.h"
#include "warppool/config.h"
#include "warppool/status.h"

namespace warppool::capi {

// Nothing: the number is none of the enumeration.
std::optional<Tier> ToTier(warppool_tier tier);

// All pointers may be NULL, and are refused then, but for that of a credential's name. What else a token needs is for
// C++ to say.
Status ReadTier(warppool_tier given, TokenConfig* token);
Status ReadCredential(warppool_credential_kind kind, const char* credential, TokenConfig* token);
Status ReadCredentialToken(warppool_tier tier, warppool_credential_kind kind, const char* credential, const char* name,
                           TokenConfig* token);
Status ReadBearerSource(const warppool_bearer_source* source, TokenConfig* token);
Status ReadBearerToken(warppool_tier tier, const char* name, const warppool_bearer_source* source, TokenConfig* token);

}  // namespace warppool::capi
