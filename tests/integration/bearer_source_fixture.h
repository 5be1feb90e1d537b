// What the tests of bearer sources share: a program that supplies bearers and keeps a journal, and the tokens beside
// its own.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "membership_fixture.h"

namespace warppool {

constexpr const char* kSourceName = "mine";
constexpr const char* kFirstBearer = "fake-supplied-bearer-1";
constexpr const char* kSecondBearer = "fake-supplied-bearer-2";

// A program that supplies bearers, and keeps a journal: "supply", and "refused <bearer> <HTTP status>". Thread-safe;
// must outlive the client.
class BearerProgram {
 public:
  using Answer = std::function<Result<SuppliedBearer>()>;

  // Each answer is given once, the last one for ever.
  explicit BearerProgram(std::vector<Answer> answers) : answers_(std::move(answers)) {}

  TokenConfig Token(Tier tier = Tier::kPersonal) {
    TokenConfig token;
    token.kind = CredentialKind::kCallback;
    token.name = kSourceName;
    token.tier = tier;
    token.bearer_source.supply = [this](const std::string& name) { return Supply(name); };
    token.bearer_source.on_refused = [this](const std::string& name, const Secret& bearer, const Status& why) {
      Write(name, "refused " + std::string(bearer.Reveal()) + " " + std::to_string(why.error().http_status));
    };
    return token;
  }

  std::vector<std::string> journal() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return journal_;
  }
  int Supplies() const {
    const auto all = journal();
    return static_cast<int>(std::count(all.begin(), all.end(), "supply"));
  }

 private:
  Result<SuppliedBearer> Supply(const std::string& name) {
    Write(name, "supply");
    Answer answer;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      answer = answers_[std::min(next_++, answers_.size() - 1)];
    }
    return answer();
  }
  void Write(const std::string& name, std::string what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (name != kSourceName) what += " of " + name;
    journal_.push_back(std::move(what));
  }

  mutable std::mutex mutex_;
  std::vector<Answer> answers_;
  std::size_t next_ = 0;
  std::vector<std::string> journal_;
};

inline BearerProgram::Answer BearerOf(const std::string& text,
                                      std::optional<std::chrono::milliseconds> life = std::nullopt) {
  return [text, life]() -> Result<SuppliedBearer> {
    SuppliedBearer bearer{Secret(text)};
    if (life) bearer.expires = std::chrono::system_clock::now() + *life;
    return bearer;
  };
}

inline BearerProgram::Answer FailedSupply(Code code) {
  return [code] { return Status(code, "the program says no"); };
}

inline void AcceptAllBearers(World* world) {
  for (const char* key : {kFirstBearer, kSecondBearer, kKey}) world->service.AcceptApiKey(key);
}

inline Config ConfigWith(const World& world, std::vector<TokenConfig> tokens) {
  Config config = ConfigFor(world.service, {});
  config.tokens = std::move(tokens);
  return config;
}

inline TokenConfig Reserve() {
  TokenConfig token = ApiKeyOf(kKey, "reserve");
  token.tier = Tier::kShared;
  return token;
}

// A token of the same kind, which shows by serving that it was another one's own fault to be refused.
inline TokenConfig Witness(BearerProgram* program) {
  TokenConfig token = program->Token(Tier::kShared);
  token.name = "witness";
  return token;
}

using SourceJournal = std::vector<std::string>;

}  // namespace warppool
