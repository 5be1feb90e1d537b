#include "config/token_variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/ascii.h"
#include "config/checks.h"

namespace warppool::internal {
namespace {

struct TokenVariable {
  const char* name;
  Tier tier;
  CredentialKind kind;
  bool is_list;
  const char* what;  // for log lines
};

constexpr std::array kVariables{
    TokenVariable{"WARP_REFRESH_TOKEN", Tier::kPersonal, CredentialKind::kRefreshToken, false, "personal token"},
    TokenVariable{"WARP_PERSONAL_TOKENS", Tier::kPersonal, CredentialKind::kRefreshToken, true, "personal token"},
    TokenVariable{"WARP_API_KEY", Tier::kPersonal, CredentialKind::kApiKey, false, "API key"},
    TokenVariable{"WARP_SHARED_TOKENS", Tier::kShared, CredentialKind::kRefreshToken, true, "shared token"},
    TokenVariable{"WARP_ANONYMOUS_TOKEN", Tier::kAnonymous, CredentialKind::kRefreshToken, false, "anonymous token"},
};

// wk-<number>.<hex>
bool IsApiKey(std::string_view token) {
  if (token.substr(0, 3) != "wk-") return false;
  const std::size_t dot = std::min(token.find('.'), token.size());
  const std::string_view number = token.substr(3, dot - 3);
  const std::string_view key = token.substr(std::min(dot + 1, token.size()));
  return !number.empty() && std::all_of(number.begin(), number.end(), IsAsciiDigit) && !key.empty() &&
         std::all_of(key.begin(), key.end(), IsAsciiHexDigit);
}

std::vector<std::string_view> Items(std::string_view list) {
  std::vector<std::string_view> items;
  while (true) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view item = TrimAsciiBlanks(list.substr(0, comma));
    if (!item.empty()) items.push_back(item);
    if (comma == list.size()) return items;
    list.remove_prefix(comma + 1);
  }
}

class Collector {
 public:
  explicit Collector(const Logger& logger) : logger_(logger) {}

  Status Add(const TokenVariable& variable, const ConfiguredText& setting) {
    const auto items = variable.is_list ? Items(setting.value) : std::vector<std::string_view>{setting.value};
    std::size_t loaded = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string where = variable.is_list ? fmt::format("{}: token {}", setting.where, i + 1)
                                                 : fmt::format("{}: the token", setting.where);
      if (IsPlaceholder(items[i])) {
        placeholder_seen_ = true;
        logger_.Warning("{} is a placeholder; ignored", where);
        continue;
      }
      if (Fault fault = CredentialFault(items[i])) {
        return {Code::kInvalidConfig, fmt::format("{} {}", where, *fault)};
      }
      if (items[i].find(',') != items[i].npos) {
        return {Code::kInvalidConfig,
                where + " holds a comma; lists belong in WARP_PERSONAL_TOKENS, WARP_SHARED_TOKENS"};
      }
      if (variable.tier == Tier::kAnonymous) anonymous_given_ = true;
      if (AddOne(variable, items[i], where)) ++loaded;
    }
    if (loaded == 0) return {};
    if (variable.is_list) {
      logger_.Info("Loaded {} {}{} from {}", loaded, variable.what, loaded == 1 ? "" : "s", variable.name);
    } else {
      logger_.Info("Loaded {} from {}", variable.what, variable.name);
    }
    return {};
  }

  Status AddBuiltin(std::string_view token) {
    if (Fault fault = CredentialFault(token)) {
      return {Code::kInvalidConfig, "the built-in anonymous token " + *fault};
    }
    if (AddOne(kVariables.back(), token, "the built-in anonymous token")) {
      logger_.Info("Loaded built-in anonymous token");
    }
    return {};
  }

  // Even if it is the same as a token of a higher tier.
  bool anonymous_given() const { return anonymous_given_; }
  bool placeholder_seen() const { return placeholder_seen_; }

  std::vector<TokenConfig> Take() {
    std::stable_sort(tokens_.begin(), tokens_.end(),
                     [](const TokenConfig& a, const TokenConfig& b) { return a.tier < b.tier; });
    return std::move(tokens_);
  }

 private:
  // False: it is there already.
  bool AddOne(const TokenVariable& variable, std::string_view text, const std::string& where) {
    if (const auto owner = tiers_.find(text); owner != tiers_.end()) {
      if (owner->second == variable.tier) {
        logger_.Debug("{} is there already; ignored", where);
      } else {
        logger_.Warning("{} is there already, as {}; ignored", where, TierName(owner->second));
      }
      return false;
    }
    TokenConfig token{Secret(text), variable.tier, variable.kind};
    if (token.kind == CredentialKind::kRefreshToken && IsApiKey(text)) {
      token.kind = CredentialKind::kApiKey;
      logger_.Info("{} is an API key, and is used as one", where);
    }
    tokens_.push_back(std::move(token));
    tiers_.emplace(tokens_.back().credential.Reveal(), variable.tier);
    return true;
  }

  const Logger& logger_;
  std::vector<TokenConfig> tokens_;
  std::unordered_map<std::string_view, Tier> tiers_;  // the keys live in tokens_, where moving a Secret leaves them
  bool placeholder_seen_ = false;
  bool anonymous_given_ = false;
};

constexpr const char* kNothing =
    "no token is configured: set WARP_REFRESH_TOKEN, WARP_PERSONAL_TOKENS, WARP_SHARED_TOKENS, WARP_ANONYMOUS_TOKEN or "
    "WARP_API_KEY in the environment or in the .env file";

}  // namespace

Result<std::vector<TokenConfig>> ReadTokenVariables(const Settings& settings, const std::vector<Tier>& tier_order,
                                                    std::string_view builtin_anonymous, const Logger& logger) {
  const auto is_used = [&](Tier tier) { return IsUsed(tier, tier_order); };
  // A tier that is not used must not take a token away from one that is.
  auto variables = kVariables;
  std::stable_partition(variables.begin(), variables.end(),
                        [&](const auto& variable) { return is_used(variable.tier); });

  Collector collector(logger);
  for (const TokenVariable& variable : variables) {
    const auto setting = settings.Find({variable.name});
    if (!setting) continue;
    if (Status status = collector.Add(variable, *setting); !status.ok()) return status;
  }
  if (!builtin_anonymous.empty() && is_used(Tier::kAnonymous) && !collector.anonymous_given()) {
    if (Status status = collector.AddBuiltin(builtin_anonymous); !status.ok()) return status;
  }

  auto tokens = collector.Take();
  if (tokens.empty()) {
    const char* hint = collector.placeholder_seen() ? " (placeholders like your_token_here do not count)" : "";
    return Status(Code::kNoTokens, fmt::format("{}{}", kNothing, hint));
  }
  if (std::none_of(tokens.begin(), tokens.end(), [&](const TokenConfig& token) { return is_used(token.tier); })) {
    return Status(Code::kNoTokens, "WARP_TIER_ORDER: none of its tiers has a token");
  }
  return tokens;
}

}  // namespace warppool::internal
