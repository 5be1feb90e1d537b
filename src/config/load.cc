#include "config/load.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/url.h"
#include "config/builtin_token.h"
#include "config/checks.h"
#include "config/settings.h"
#include "config/token_variables.h"

namespace warppool::internal {
namespace {

struct TextVariable {
  const char* name;
  std::string Config::*field;
  Fault (*fault)(const std::string& value);
};

constexpr std::array kTextVariables{
    TextVariable{"WARP_SERVER_URL", &Config::server_url, ServiceUrlFault},
    TextVariable{"WARP_REFRESH_URL", &Config::refresh_url, ServiceUrlFault},
    TextVariable{"WARP_CLIENT_VERSION", &Config::client_version, HeaderFault},
    TextVariable{"WARP_CA_BUNDLE", &Config::ca_bundle, FileFault},
    TextVariable{"WARP_STATE_FILE", &Config::state_file, LineFault},
};

Status Invalid(const ConfiguredText& setting, std::string_view what) {
  return {Code::kInvalidConfig, fmt::format("{}: {}", setting.where, what)};
}

Status Assign(const std::optional<ConfiguredText>& setting, std::string& field, Fault (*check)(const std::string&)) {
  if (!setting) return {};
  if (Fault fault = check(setting->value)) return Invalid(*setting, *fault);
  field = setting->value;
  return {};
}

std::optional<Tier> ParseTier(std::string_view name) {
  for (const Tier tier : {Tier::kPersonal, Tier::kShared, Tier::kAnonymous}) {
    if (AsciiLower(name) == AsciiLower(TierName(tier))) return tier;
  }
  return std::nullopt;
}

Status ReadTierOrder(const Settings& settings, std::vector<Tier>& order) {
  const auto setting = settings.Find({"WARP_TIER_ORDER"});
  if (!setting) return {};
  order.clear();
  std::string_view rest = setting->value;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = TrimAsciiBlanks(rest.substr(0, comma));
    more = comma != rest.npos;
    if (more) rest.remove_prefix(comma + 1);
    if (item.empty()) continue;
    const std::size_t position = order.size() + 1;
    const auto tier = ParseTier(item);
    if (!tier) return Invalid(*setting, fmt::format("tier {} is not PERSONAL, SHARED or ANONYMOUS", position));
    if (IsUsed(*tier, order)) return Invalid(*setting, fmt::format("tier {} is there twice", position));
    order.push_back(*tier);
  }
  return order.empty() ? Invalid(*setting, "names no tier") : Status();
}

Status ReadStrategy(const Settings& settings, Strategy& strategy) {
  const auto setting = settings.Find({"WARP_STRATEGY"});
  if (!setting) return {};
  for (const Strategy known : {Strategy::kRoundRobin, Strategy::kFillFirst, Strategy::kLeastInFlight}) {
    if (AsciiLower(setting->value) != StrategyName(known)) continue;
    strategy = known;
    return {};
  }
  return Invalid(*setting, "is not round_robin, fill_first or least_in_flight");
}

Status ReadFirebaseKey(const Settings& settings, const Logger& logger, Secret& key) {
  const auto setting = settings.Find({"WARP_FIREBASE_API_KEY"});
  if (!setting) return {};
  if (IsPlaceholder(setting->value)) {
    logger.Warning("{}: the key is a placeholder; ignored", setting->where);
    return {};
  }
  if (Fault fault = CredentialFault(setting->value)) return Invalid(*setting, "the key " + *fault);
  key = Secret(setting->value);
  return {};
}

// `config.server_url` is known to be sound.
Status ReadProxy(const Settings& settings, Config& config) {
  const auto url = ParseUrl(config.server_url);
  auto setting = settings.Find({"WARP_PROXY"});
  if (!setting) {
    setting = url.ok() && url->scheme == "http" ? settings.Find({"http_proxy", "HTTP_PROXY"})
                                                : settings.Find({"https_proxy", "HTTPS_PROXY"});
  }
  if (setting) {
    if (Fault fault = ProxyFault(setting->value)) return Invalid(*setting, *fault);
    config.proxy = Secret(setting->value);
  }
  return Assign(settings.Find({"no_proxy", "NO_PROXY"}), config.no_proxy, LineFault);
}

Result<Config> Load(const LoadOptions& options, std::string_view builtin_anonymous_token) {
  const Logger logger(options.log);
  logger.Info("Initializing token pool");
  const auto settings = Settings::Read(options, logger);
  if (!settings.ok()) return settings.status();

  Config config;
  for (const TextVariable& variable : kTextVariables) {
    Status status = Assign(settings->Find({variable.name}), config.*variable.field, variable.fault);
    if (!status.ok()) return status;
  }
  if (Status status = ReadTierOrder(*settings, config.tier_order); !status.ok()) return status;
  if (Status status = ReadStrategy(*settings, config.strategy); !status.ok()) return status;
  if (Status status = ReadFirebaseKey(*settings, logger, config.firebase_api_key); !status.ok()) return status;
  if (Status status = ReadProxy(*settings, config); !status.ok()) return status;
  auto tokens = ReadTokenVariables(*settings, config.tier_order, builtin_anonymous_token, logger);
  if (!tokens.ok()) return tokens.status();
  config.tokens = *std::move(tokens);
  if (Status status = Validate(config); !status.ok()) return status;
  return config;
}

}  // namespace

Result<Config> LoadConfigWith(const LoadOptions& options, std::string_view builtin_anonymous_token) {
  return Guarded([&] { return Load(options, builtin_anonymous_token); });
}

}  // namespace warppool::internal

namespace warppool {

Result<Config> LoadConfig(const LoadOptions& options) {
  return internal::LoadConfigWith(options, internal::BuiltinAnonymousToken());
}

}  // namespace warppool
