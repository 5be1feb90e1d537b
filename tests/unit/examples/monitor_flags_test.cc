#include "monitor_flags.h"

#include "catch.h"

using namespace std::chrono_literals;
using monitor::ParseFlags;

TEST_CASE("without flags the monitor watches the user's own tokens") {
  const auto flags = ParseFlags({});
  REQUIRE(flags);
  CHECK_FALSE(flags->demo);
  CHECK(flags->interval == 500ms);
  CHECK(flags->check_every == 60s);
  CHECK(flags->end_after == 0s);
  CHECK_FALSE(flags->colour);
}

TEST_CASE("all flags are understood") {
  const auto flags = ParseFlags({"--env", "other.env", "--check", "0", "--for", "30", "--interval", "50", "--plain",
                                 "--no-colour", "--metrics", "pool.prom"});
  REQUIRE(flags);
  CHECK(flags->env_file == "other.env");
  CHECK(flags->check_every == 0s);
  CHECK(flags->end_after == 30s);
  CHECK(flags->interval == 50ms);
  CHECK(flags->plain);
  CHECK(flags->colour == false);
  CHECK(flags->metrics_file == "pool.prom");
  CHECK(ParseFlags({"--colour"})->colour == true);
  CHECK(ParseFlags({"--demo"})->demo);
  CHECK(ParseFlags({"--help"})->help);
}

TEST_CASE("what is not understood is refused") {
  for (const char* wrong : {"--nonsense", "demo", "", "--env", "--for"}) CHECK_FALSE(ParseFlags({wrong}));
  for (const char* number : {"", "0", "-1", "5s", " 5", "5.5", "99999999999"})
    CHECK_FALSE(ParseFlags({"--for", number}));
  CHECK_FALSE(ParseFlags({"--interval", "49"}));
  CHECK_FALSE(ParseFlags({"--interval", "60001"}));
  CHECK_FALSE(ParseFlags({"--check", "-1"}));
  CHECK_FALSE(ParseFlags({"--env", ""}));
}

TEST_CASE("the demo has no configuration but its own") {
  CHECK_FALSE(ParseFlags({"--demo", "--env", "other.env"}));
  CHECK_FALSE(ParseFlags({"--check", "5", "--demo"}));
}
