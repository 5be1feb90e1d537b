// Which tokens a client has.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "guard.h"
#include "token_config.h"

using warppool::ReloadResult;
using warppool::Result;
using warppool::Status;
using warppool::TokenConfig;
using warppool::capi::Clear;
using warppool::capi::Guard;
using warppool::capi::Invalid;
using warppool::capi::NotNull;

namespace {

// Has `call` change the pool, and puts the name that it returns into `list`. Makes room for it before, since nothing
// may fail once the pool has changed.
template <typename Call>
Status Change(std::vector<std::string> ReloadResult::*list, warppool_pool_change** change, const Call& call) {
  auto handle = std::make_unique<warppool_pool_change>();
  std::vector<std::string>& names = handle->result.*list;
  names.reserve(1);
  Result<std::string> name = call();
  if (!name.ok()) return name.status();
  names.push_back(*std::move(name));
  if (change != nullptr) *change = handle.release();
  return {};
}

}  // namespace

warppool_code warppool_client_add_token(warppool_client* client, warppool_tier tier, warppool_credential_kind kind,
                                        const char* credential, const char* name, warppool_pool_change** change,
                                        warppool_error** error) {
  Clear(change);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}}); !status.ok()) return status;
    TokenConfig token;
    Status status = warppool::capi::ReadCredentialToken(tier, kind, credential, name, &token);
    if (!status.ok()) return status;
    return Change(&ReloadResult::added, change, [&] { return client->client->AddToken(token); });
  });
}

warppool_code warppool_client_add_bearer_source(warppool_client* client, warppool_tier tier, const char* name,
                                                const warppool_bearer_source* source, warppool_pool_change** change,
                                                warppool_error** error) {
  Clear(change);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}}); !status.ok()) return status;
    TokenConfig token;
    Status status = warppool::capi::ReadBearerToken(tier, name, source, &token);
    if (!status.ok()) return status;
    return Change(&ReloadResult::added, change, [&] { return client->client->AddToken(token); });
  });
}

warppool_code warppool_client_remove_token(warppool_client* client, const char* token, warppool_error** error) {
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {token, "token"}}); !status.ok()) return status;
    return client->client->RemoveToken(token);
  });
}

warppool_code warppool_client_rename_token(warppool_client* client, const char* token, const char* name,
                                           warppool_pool_change** change, warppool_error** error) {
  Clear(change);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {token, "token"}}); !status.ok()) return status;
    return Change(&ReloadResult::changed, change,
                  [&] { return client->client->RenameToken(token, name == nullptr ? "" : name); });
  });
}

warppool_code warppool_client_move_token(warppool_client* client, const char* token, warppool_tier tier,
                                         warppool_pool_change** change, warppool_error** error) {
  Clear(change);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {token, "token"}}); !status.ok()) return status;
    const auto known = warppool::capi::ToTier(tier);
    if (!known) return Invalid("tier", "is none of warppool_tier");
    return Change(&ReloadResult::changed, change, [&] { return client->client->MoveToken(token, *known); });
  });
}

warppool_code warppool_client_replace_credential(warppool_client* client, const char* token,
                                                 warppool_credential_kind kind, const char* credential,
                                                 warppool_pool_change** change, warppool_error** error) {
  Clear(change);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {token, "token"}}); !status.ok()) return status;
    TokenConfig replacement;
    Status status = warppool::capi::ReadCredential(kind, credential, &replacement);
    if (!status.ok()) return status;
    return Change(&ReloadResult::changed, change,
                  [&] { return client->client->ReplaceCredential(token, replacement); });
  });
}

warppool_code warppool_client_replace_bearer_source(warppool_client* client, const char* token,
                                                    const warppool_bearer_source* source, warppool_pool_change** change,
                                                    warppool_error** error) {
  Clear(change);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {token, "token"}}); !status.ok()) return status;
    TokenConfig replacement;
    if (Status status = warppool::capi::ReadBearerSource(source, &replacement); !status.ok()) return status;
    return Change(&ReloadResult::changed, change,
                  [&] { return client->client->ReplaceCredential(token, replacement); });
  });
}

warppool_code warppool_client_reload(warppool_client* client, const warppool_config* config,
                                     warppool_pool_change** change, warppool_error** error) {
  Clear(change);
  return Guard(error, [&] {
    if (Status status = NotNull({{client, "client"}, {config, "config"}}); !status.ok()) return status;
    auto handle = std::make_unique<warppool_pool_change>();
    auto reloaded = client->client->Reload(config->config);
    if (!reloaded.ok()) return reloaded.status();
    handle->result = *std::move(reloaded);
    if (change != nullptr) *change = handle.release();
    return Status();
  });
}
