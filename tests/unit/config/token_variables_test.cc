#include <string>

#include "catch.h"
#include "load_fixture.h"

namespace warppool::internal {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("all token variables are merged, tier by tier") {
  const Loaded loaded = Load({{"WARP_ANONYMOUS_TOKEN", "f-hunter2"},
                              {"WARP_SHARED_TOKENS", "d-hunter2,e-hunter2"},
                              {"WARP_PERSONAL_TOKENS", " b-hunter2 ,,\tc-hunter2\n,"},
                              {"WARP_REFRESH_TOKEN", "a-hunter2"},
                              {"WARP_API_KEY", "k-hunter2"}});
  CHECK(loaded.tokens() == "PERSONAL:a PERSONAL:b PERSONAL:c PERSONAL:k(key) SHARED:d SHARED:e ANONYMOUS:f");
  CHECK_THAT(loaded.log, ContainsSubstring("Loaded 2 personal tokens from WARP_PERSONAL_TOKENS\n"));
  CHECK_THAT(loaded.log, ContainsSubstring("Loaded 2 shared tokens from WARP_SHARED_TOKENS\n"));
  CHECK_THAT(loaded.log, ContainsSubstring("Loaded anonymous token from WARP_ANONYMOUS_TOKEN\n"));
  CHECK_THAT(loaded.log, ContainsSubstring("Loaded API key from WARP_API_KEY\n"));
}

TEST_CASE("an API key in a token variable is used as one") {
  const Loaded loaded = Load({{"WARP_REFRESH_TOKEN", "wk-1.0aF"},
                              {"WARP_SHARED_TOKENS", "wk-x.012,wk-1.0ax,wk-1234.,wk-.0123,wk-12345,wk-22.0f"}});
  CHECK(loaded.tokens() ==
        "PERSONAL:wk-1.0aF(key) SHARED:wk-x.012 SHARED:wk-1.0ax SHARED:wk-1234. SHARED:wk-.0123 SHARED:wk-12345 "
        "SHARED:wk-22.0f(key)");
  CHECK_THAT(loaded.log, ContainsSubstring("WARP_REFRESH_TOKEN: the token is an API key") && !ContainsSubstring("wk-"));
  CHECK_THAT(loaded.log, ContainsSubstring("WARP_SHARED_TOKENS: token 6 is an API key"));
}

TEST_CASE("a token that comes twice is used once, in the higher tier") {
  const Loaded loaded = Load({{"WARP_REFRESH_TOKEN", "a-hunter2"},
                              {"WARP_PERSONAL_TOKENS", "b-hunter2,a-hunter2,b-hunter2"},
                              {"WARP_SHARED_TOKENS", "c-hunter2,a-hunter2"},
                              {"WARP_ANONYMOUS_TOKEN", "c-hunter2"},
                              {"WARP_TIER_ORDER", "ANONYMOUS,SHARED,PERSONAL"}});
  CHECK(loaded.tokens() == "PERSONAL:a PERSONAL:b SHARED:c");
  CHECK_THAT(loaded.log, ContainsSubstring("DEBUG WARP_PERSONAL_TOKENS: token 2 is there already"));
  CHECK_THAT(loaded.log, ContainsSubstring("WARNING WARP_SHARED_TOKENS: token 2 is there already, as PERSONAL"));
  CHECK_THAT(loaded.log, ContainsSubstring("WARNING WARP_ANONYMOUS_TOKEN: the token is there already, as SHARED"));
  CHECK_THAT(loaded.log, ContainsSubstring("Loaded 1 personal token from WARP_PERSONAL_TOKENS\n"));
}

TEST_CASE("a tier that is not used takes no token away from one that is") {
  const Loaded loaded =
      Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"WARP_SHARED_TOKENS", "a-hunter2"}, {"WARP_TIER_ORDER", "shared"}});
  CHECK(loaded.tokens() == "SHARED:a");
}

TEST_CASE("placeholders are ignored with a warning") {
  const Loaded loaded = Load({{"WARP_REFRESH_TOKEN", "your_personal_refresh_token_here"},
                              {"WARP_SHARED_TOKENS", "a-hunter2,YOUR_shared_Token_HERE,your__here,your_here"},
                              {"WARP_FIREBASE_API_KEY", "your_firebase_key_here"}});
  CHECK(loaded.tokens() == "SHARED:a SHARED:your__here SHARED:your_here");
  CHECK(loaded.config().firebase_api_key.empty());
  CHECK_THAT(loaded.log, ContainsSubstring("WARNING WARP_REFRESH_TOKEN: the token is a placeholder"));
  CHECK_THAT(loaded.log, ContainsSubstring("WARNING WARP_SHARED_TOKENS: token 2 is a placeholder"));
  CHECK_THAT(loaded.log, ContainsSubstring("WARNING WARP_FIREBASE_API_KEY: the key is a placeholder"));
}

TEST_CASE("without a token the message says which variables to set") {
  const Loaded none = Load({});
  CHECK(none.code() == Code::kNoTokens);
  for (const char* name :
       {"WARP_REFRESH_TOKEN", "WARP_PERSONAL_TOKENS", "WARP_SHARED_TOKENS", "WARP_ANONYMOUS_TOKEN", "WARP_API_KEY"}) {
    CHECK_THAT(none.message(), ContainsSubstring(name));
  }
  const Loaded placeholder = Load({{"WARP_REFRESH_TOKEN", "your_token_here"}, {"WARP_SHARED_TOKENS", " , ,"}});
  CHECK(placeholder.code() == Code::kNoTokens);
  CHECK_THAT(placeholder.message(), ContainsSubstring("placeholders"));
  const Loaded unused = Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"WARP_TIER_ORDER", "SHARED"}});
  CHECK(unused.code() == Code::kNoTokens);
  CHECK_THAT(unused.message(), ContainsSubstring("WARP_TIER_ORDER"));
}

TEST_CASE("the built-in anonymous token stands in where none is given") {
  const Environment personal{{"WARP_REFRESH_TOKEN", "a-hunter2"}};
  const Loaded with = Load(personal, "", "builtin-hunter2");
  CHECK(with.tokens() == "PERSONAL:a ANONYMOUS:builtin");
  CHECK_THAT(with.log, ContainsSubstring("Loaded built-in anonymous token\n"));
  CHECK(Load({}, "", "builtin-hunter2").tokens() == "ANONYMOUS:builtin");
  CHECK(Load({{"WARP_ANONYMOUS_TOKEN", "own-hunter2"}}, "", "builtin-hunter2").tokens() == "ANONYMOUS:own");
  CHECK(Load({{"WARP_ANONYMOUS_TOKEN", "your_token_here"}}, "", "builtin-hunter2").tokens() == "ANONYMOUS:builtin");
  CHECK(Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"WARP_TIER_ORDER", "PERSONAL"}}, "", "builtin-hunter2").tokens() ==
        "PERSONAL:a");
  CHECK(Load({{"WARP_REFRESH_TOKEN", "a-hunter2"}, {"WARP_ANONYMOUS_TOKEN", "a-hunter2"}}, "", "builtin-hunter2")
            .tokens() == "PERSONAL:a");
  CHECK(Load({}, "", "not hunter2").code() == Code::kInvalidConfig);
}

TEST_CASE("what is no token is refused by its place") {
  struct Row {
    const char* token;
    const char* fault;
  };
  const auto row = GENERATE(values<Row>({
      {"a hunter2", "holds a blank"},
      {"\"hunter2\"", "holds a quote"},
      {"'hunter2", "holds a quote"},
      {"Bearer hunter2", "begins with \"Bearer\""},
      {"bEARER hunter2", "begins with \"Bearer\""},
      {"hunter2\nX-Evil: 1", "holds a control character"},
      {"hunter2\x7f", "holds a control character"},
      {"hunter2\xE2\x80\x8B", "holds a non-ASCII character"},
  }));
  INFO(row.token);
  for (const char* name : {"WARP_PERSONAL_TOKENS", "WARP_SHARED_TOKENS"}) {
    const Loaded list = Load({{name, std::string(",ok-hunter2, ") + row.token + " "}});
    CHECK(list.code() == Code::kInvalidConfig);
    CHECK_THAT(list.message(), Catch::Matchers::StartsWith(std::string(name) + ": token 2 " + row.fault));
  }
  for (const char* name : {"WARP_REFRESH_TOKEN", "WARP_ANONYMOUS_TOKEN", "WARP_API_KEY"}) {
    const Loaded single = Load({{name, row.token}});
    CHECK(single.code() == Code::kInvalidConfig);
    CHECK_THAT(single.message(), Catch::Matchers::StartsWith(std::string(name) + ": the token " + row.fault));
  }
}

TEST_CASE("a NUL and a list where one token belongs are refused") {
  const Loaded nul = Load({{"WARP_REFRESH_TOKEN", std::string("hunter2\0x", 9)}});
  CHECK(nul.message() == "WARP_REFRESH_TOKEN: the token holds a control character");
  const Loaded list = Load({{"WARP_REFRESH_TOKEN", "hunter2,b"}});
  CHECK_THAT(list.message(), ContainsSubstring("holds a comma") && ContainsSubstring("WARP_PERSONAL_TOKENS"));
}

}  // namespace
}  // namespace warppool::internal
