// What the tests of LoadConfig() share: a .env file, and one call with all that it said.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "catch.h"
#include "config/load.h"

namespace warppool::internal {

using Environment = std::map<std::string, std::string>;

// A .env file that is there as long as the object.
class EnvFile {
 public:
  explicit EnvFile(std::string_view text, mode_t mode = 0600) {
    char path[] = "/tmp/warppool-load-test-XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    close(fd);
    path_ = path;
    std::ofstream(path_, std::ios::binary) << text;
    REQUIRE(chmod(path, mode) == 0);
  }
  EnvFile(const EnvFile&) = delete;
  EnvFile& operator=(const EnvFile&) = delete;
  ~EnvFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Loaded {
  Result<Config> result;
  std::string log;  // "LEVEL message" a line

  Code code() const { return result.code(); }
  const std::string& message() const { return result.status().message(); }
  const Config& config() const {
    INFO(result.status().ToString());
    REQUIRE(result.ok());
    return *result;
  }

  // "PERSONAL:first SHARED:second(key)", for credentials "first-hunter2" and "second-hunter2".
  std::string tokens() const {
    std::string out;
    for (const TokenConfig& token : config().tokens) {
      const std::string_view text = token.credential.Reveal();
      out += (out.empty() ? "" : " ") + std::string(TierName(token.tier)) + ":";
      out += text.substr(0, text.find("-hunter2"));
      if (token.kind == CredentialKind::kApiKey) out += "(key)";
    }
    return out;
  }
};

// Every credential in these tests holds "hunter2", which must never be said.
inline Loaded Load(Environment environment, const std::string& file = "", std::string_view builtin = "") {
  std::string log;
  LoadOptions options;
  options.env_file = file;
  options.environment = std::move(environment);
  options.log = [&log](const LogRecord& record) {
    log += std::string(LogLevelName(record.level)) + " " + std::string(record.message) + "\n";
  };
  auto result = LoadConfigWith(options, builtin);
  CHECK_THAT(log, !Catch::Matchers::ContainsSubstring("hunter2"));
  CHECK_THAT(result.status().ToString(), !Catch::Matchers::ContainsSubstring("hunter2"));
  return {std::move(result), std::move(log)};
}

}  // namespace warppool::internal
