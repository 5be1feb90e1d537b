#include "token/token.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"

namespace warppool::internal {
namespace {

using Names = std::vector<std::string>;

TokenConfig Config(const std::string& credential, Tier tier = Tier::kPersonal, const std::string& name = "") {
  return {Secret(credential), tier, CredentialKind::kRefreshToken, name};
}

std::string Digits(const std::string& credential) {
  std::string hex;
  for (const std::uint8_t byte : FingerprintOf(Secret(credential))) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// Two credentials whose fingerprints begin with the same six digits. By the birthday paradox there is one in a few
// thousand.
std::pair<std::string, std::string> Collision() {
  std::map<std::string, std::string> seen;
  for (int i = 0; i < 100'000; ++i) {
    const std::string credential = "fake-" + std::to_string(i);
    const auto [it, fresh] = seen.emplace(Digits(credential).substr(0, 6), credential);
    if (!fresh) return {it->second, credential};
  }
  FAIL("no collision");
  return {};
}

TEST_CASE("a fingerprint is the credential's SHA-256") {
  CHECK(Digits("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a token is named after its tier and fingerprint, at every start the same") {
  const std::vector<TokenConfig> tokens = {Config("abc"), Config("abc", Tier::kShared),
                                           Config("abc", Tier::kAnonymous)};
  CHECK(NamesOf(tokens) == Names{"PERSONAL_ba7816", "SHARED_ba7816", "ANONYMOUS_ba7816"});
  CHECK(NamesOf(tokens) == NamesOf(tokens));
  CHECK(NamesOf({Config("other-fake"), Config("abc")})[1] == "PERSONAL_ba7816");  // whatever else there is
  CHECK(NamesOf({}).empty());
}

TEST_CASE("names that collide are lengthened, all of them alike") {
  const auto [first, second] = Collision();
  CHECK(NamesOf({Config(first)}) == Names{"PERSONAL_" + Digits(first).substr(0, 6)});
  const Names names = NamesOf({Config(first), Config("abc"), Config(second)});
  const std::set<std::string> distinct(names.begin(), names.end());
  CHECK(distinct.size() == 3);
  std::size_t digits = 6;
  while (Digits(first).substr(0, digits) == Digits(second).substr(0, digits)) ++digits;
  CHECK(names == Names{"PERSONAL_" + Digits(first).substr(0, digits), "PERSONAL_" + Digits("abc").substr(0, digits),
                       "PERSONAL_" + Digits(second).substr(0, digits)});
  // In different tiers they do not collide.
  CHECK(NamesOf({Config(first), Config(second, Tier::kShared)})[1] == "SHARED_" + Digits(second).substr(0, 6));
}

TEST_CASE("names that the user gave are kept, and avoided") {
  CHECK(NamesOf({Config("abc", Tier::kPersonal, "mine"), Config("abc", Tier::kShared)}) ==
        Names{"mine", "SHARED_ba7816"});
  CHECK(NamesOf({Config("fake-x", Tier::kShared, "PERSONAL_ba7816"), Config("abc")}) ==
        Names{"PERSONAL_ba7816", "PERSONAL_ba7816b"});
}

TEST_CASE("the same credential twice does not search for ever") {
  const Names names = NamesOf({Config("abc"), Config("abc")});
  REQUIRE(names.size() == 2);
  CHECK(names[0] == names[1]);
  CHECK(names[0].size() == std::string("PERSONAL_").size() + 64);
}

TEST_CASE("no name holds the credential") {
  const auto names = NamesOf({Config("hunter2")});
  CHECK_THAT(names[0], !Catch::Matchers::ContainsSubstring("hunter"));
}

std::shared_ptr<const Jwt> MakeShared(const std::string& text, SteadyTime refresh_at = {}) {
  return std::make_shared<const Jwt>(Jwt{Secret(text), refresh_at, {}, {}});
}

TEST_CASE("a token keeps the JWT that was issued last") {
  Token token("T", Tier::kShared, CredentialKind::kRefreshToken, Secret("fake"));
  CHECK(token.jwt() == nullptr);
  token.SetJwt(MakeShared("one"));
  token.SetJwt(MakeShared("two"));
  CHECK(token.jwt()->text.Reveal() == "two");
}

TEST_CASE("a refused JWT is dropped, and a newer one is not") {
  Token token("T", Tier::kShared, CredentialKind::kRefreshToken, Secret("fake"));
  token.DropJwt("one");
  token.SetJwt(MakeShared("two"));
  token.DropJwt("one");
  REQUIRE(token.jwt() != nullptr);
  token.DropJwt("two");
  CHECK(token.jwt() == nullptr);
}

TEST_CASE("a refresh is postponed for the JWT in use, and no other") {
  Token token("T", Tier::kShared, CredentialKind::kRefreshToken, Secret("fake"));
  const SteadyTime later{std::chrono::hours(5)};
  token.PostponeRefresh(MakeShared("one", later));
  CHECK(token.jwt() == nullptr);
  token.SetJwt(MakeShared("two"));
  token.PostponeRefresh(MakeShared("one", later));
  CHECK(token.jwt()->refresh_at == SteadyTime{});
  token.PostponeRefresh(MakeShared("two", later));
  CHECK(token.jwt()->refresh_at == later);
}

TEST_CASE("a token knows the JWT that it has, and the one that was refused last") {
  Token token("T", Tier::kShared, CredentialKind::kRefreshToken, Secret("fake"));
  CHECK_FALSE(token.Knows(Secret("one")));
  token.SetJwt(MakeShared("one"));
  CHECK(token.Knows(Secret("one")));
  token.DropJwt("one");
  token.SetJwt(MakeShared("two"));
  CHECK(token.Knows(Secret("one")));
  CHECK(token.Knows(Secret("two")));
  CHECK_FALSE(token.Knows(Secret("three")));
}

TEST_CASE("what the store takes for the present credential is taken over") {
  Token token("T", Tier::kShared, CredentialKind::kRefreshToken, Secret("fake-0"));
  CHECK_FALSE(token.Adopt(Secret("fake-0"), 0));
  CHECK(token.Adopt(Secret("fake-2"), 2));
  CHECK_FALSE(token.Adopt(Secret("fake-2"), 2));
  CHECK(token.credential().Reveal() == "fake-2");
  CHECK(token.serial() == 2);
  token.Rotate(Secret("fake-3"));
  CHECK(token.serial() == 3);
  CHECK(token.configured().Reveal() == "fake-0");
}

TEST_CASE("a rotated credential takes the old one's place") {
  Token token("T", Tier::kShared, CredentialKind::kRefreshToken, Secret("fake-old"));
  token.Rotate(Secret("fake-new"));
  CHECK(token.credential().Reveal() == "fake-new");
  CHECK(token.name() == "T");
}

}  // namespace
}  // namespace warppool::internal
