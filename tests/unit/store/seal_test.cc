#include "store/seal.h"

#include <set>
#include <string>
#include <string_view>

#include "catch.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;

const Secret kCredential("fake-refresh-token");
constexpr std::size_t kNonceEnd = 13;

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

bool Opens(const std::string& sealed, const Secret& credential = kCredential) {
  const auto opened = Unseal(credential, sealed);
  if (!opened.ok()) CHECK(opened.code() == Code::kInvalidArgument);
  return opened.ok();
}

TEST_CASE("what was sealed opens with the same credential") {
  const auto size = GENERATE(as<std::size_t>(), 0, 1, 15, 16, 17, 4096, 100'000);
  std::string plain(size, '\0');
  for (std::size_t i = 0; i < size; ++i) plain[i] = static_cast<char>(i * 7);
  const std::string sealed = Seal(kCredential, plain);
  CHECK(sealed.size() == 1 + 12 + size + 16);
  const auto opened = Unseal(kCredential, sealed);
  REQUIRE(opened.ok());
  CHECK((opened->Reveal() == plain));
}

TEST_CASE("nothing at all can be sealed") {
  const auto opened = Unseal(kCredential, Seal(kCredential, std::string_view()));
  REQUIRE(opened.ok());
  CHECK(opened->empty());
}

TEST_CASE("a sealed record shows neither its text nor its credential") {
  const std::string sealed = Seal(kCredential, "fake-secret-text");
  CHECK((sealed.find("fake") == sealed.npos));
}

TEST_CASE("format 1 opens for ever") {
  // Made by another implementation (Python: hmac, cryptography) after the words of seal.h.
  const auto opened = Unseal(kCredential, FromHex("01000102030405060708090a0b3e4a41175a1f341539b976f46b40243b9601ec40a8"
                                                  "b412620790"));
  REQUIRE(opened.ok());
  CHECK((opened->Reveal() == "plain text"));
}

TEST_CASE("a record of one fingerprint does not open under another one, even with the right key") {
  // As above, but the fingerprint in the associated data is that of "fake-other-token", or there is none.
  CHECK_FALSE(Opens(FromHex("01000102030405060708090a0b3e4a41175a1f341539b9e89d25ead163a77abb31075a7ff08e99")));
  CHECK_FALSE(Opens(FromHex("01000102030405060708090a0b3e4a41175a1f341539b9c3fb2f571da518a50bc7f7e349cb1d4a")));
}

TEST_CASE("another credential opens nothing, and the error quotes nothing") {
  const std::string sealed = Seal(kCredential, "fake-secret-text");
  const auto credential = GENERATE(as<std::string>(), "fake-refresh-tokem", "fake-refresh-toke", "x", "");
  const auto opened = Unseal(Secret(credential), sealed);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.code() == Code::kInvalidArgument);
  CHECK_THAT(opened.status().message(),
             ContainsSubstring("another credential, or damaged") && !ContainsSubstring("fake"));
}

TEST_CASE("a record with any bit flipped does not open") {
  const std::string sealed = Seal(kCredential, "some plain text");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = sealed;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << bit));
      if (!Opens(damaged)) continue;
      FAIL_CHECK("opened with bit " << bit << " of byte " << i << " flipped");
    }
  }
}

TEST_CASE("a record that was cut or grew does not open") {
  const std::string sealed = Seal(kCredential, "some plain text");
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    if (Opens(sealed.substr(0, size))) FAIL_CHECK("opened with " << size << " bytes");
  }
  CHECK_FALSE(Opens(sealed + '\0'));
  CHECK_FALSE(Opens(sealed + sealed));
}

TEST_CASE("a record of a later format says so") {
  std::string sealed = Seal(kCredential, "some plain text");
  sealed[0] = 2;
  CHECK_THAT(Unseal(kCredential, sealed).status().message(), ContainsSubstring("format 2"));
}

TEST_CASE("no two records have the same nonce") {
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) nonces.insert(Seal(kCredential, "same").substr(1, kNonceEnd - 1));
  CHECK(nonces.size() == 1000);
}

TEST_CASE("without a credential nothing is sealed") {
  CHECK_THROWS(Seal(Secret(), "some plain text"));
}

TEST_CASE("the key of a record is the SHA-256 of its credential") {
  CHECK(RecordKey(kCredential) == "daeeb2bd7cad42cd18622a5371cfc55b4687bed099305844d1797e653700d51e");
}

}  // namespace
}  // namespace warppool::internal
