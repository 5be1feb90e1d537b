// The C API against the loopback service: requests that only some of the tokens may serve.
#include <string>
#include <tuple>

#include "capi_world.h"

namespace {

// "mine" is personal, "shared" is shared.
struct TwoTiers : World {
  TwoTiers() {
    service.Accept(kOne);
    service.Accept(kTwo);
    Connect({}, [](warppool_config* config) {
      for (const auto& [tier, credential, name] :
           {std::tuple(WARPPOOL_TIER_PERSONAL, kOne, "mine"), std::tuple(WARPPOOL_TIER_SHARED, kTwo, "shared")}) {
        REQUIRE(warppool_config_add_token(config, tier, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, credential, name, nullptr) ==
                WARPPOOL_OK);
      }
    });
  }
  void AllowTier(warppool_tier tier) { REQUIRE(warppool_request_set_tiers(request, &tier, 1, nullptr) == WARPPOOL_OK); }
  void AllowToken(const char* name) { REQUIRE(warppool_request_add_token(request, name, nullptr) == WARPPOOL_OK); }
};

}  // namespace

TEST_CASE("in C, too, only tokens of the request's tiers or names serve it") {
  TwoTiers world;
  SECTION("tiers") {
    world.AllowTier(WARPPOOL_TIER_SHARED);
  }
  SECTION("names") {
    world.AllowToken("shared");
  }
  SECTION("both, and the last tiers that were set") {
    world.AllowToken("shared");
    world.AllowTier(WARPPOOL_TIER_PERSONAL);
    world.AllowTier(WARPPOOL_TIER_SHARED);
  }
  CHECK(world.Ask() == WARPPOOL_OK);
  CHECK(world.served_by == "shared");
  RequestHandle copy;
  REQUIRE(warppool_request_copy(world.request, copy.out(), nullptr) == WARPPOOL_OK);
  AnswerHandle answer;
  CHECK(warppool_client_ask(world.client, copy, answer.out(), nullptr) == WARPPOOL_OK);
  CHECK(warppool_answer_token(answer) == std::string("shared"));
  CHECK(world.service.Count("", kOne) == 0);
}

TEST_CASE("in C, too, a restricted request fails rather than go to a token that may not serve it") {
  TwoTiers world;
  world.service.On(kOne).Agent(loopback::Status(403));
  world.AllowTier(WARPPOOL_TIER_PERSONAL);
  CHECK(world.Ask() == WARPPOOL_UNAUTHORIZED);
  Contains(world.complaint, "who may serve is restricted by the request's tiers");
  CHECK(world.service.Count("", kTwo) == 0);
}

TEST_CASE("in C, too, a restriction that no token can satisfy is refused when the request is sent") {
  TwoTiers world;
  SECTION("a name that no token has") {
    world.AllowToken("mine");
    world.AllowToken("work");
    CHECK(world.Ask() == WARPPOOL_INVALID_ARGUMENT);
    Contains(world.complaint, "tokens[1]: no token is called \"work\"");
  }
  SECTION("an empty name") {
    world.AllowToken("");
    CHECK(world.Ask() == WARPPOOL_INVALID_ARGUMENT);
    Contains(world.complaint, "tokens[0]: no token is called \"\"");
  }
  SECTION("a tier without a token") {
    world.AllowTier(WARPPOOL_TIER_ANONYMOUS);
    CHECK(world.Ask() == WARPPOOL_INVALID_ARGUMENT);
    Contains(world.complaint, "tiers: ANONYMOUS has no token");
  }
  SECTION("a name that is of another tier") {
    world.AllowTier(WARPPOOL_TIER_SHARED);
    world.AllowToken("mine");
    CHECK(world.Ask() == WARPPOOL_INVALID_ARGUMENT);
    Contains(world.complaint, "tokens: none of them is in one of the request's tiers");
  }
  CHECK(world.service.Requests("").empty());
}
