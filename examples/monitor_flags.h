// The monitor's command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace monitor {

struct Flags {
  bool help = false;
  bool demo = false;
  bool plain = false;
  std::optional<bool> colour{};  // nothing: as the terminal and NO_COLOR say
  std::string env_file{};        // empty: .env, if there is one
  std::string metrics_file{};    // empty: none
  std::chrono::milliseconds interval{500};
  std::chrono::seconds check_every{60};  // 0: never
  std::chrono::seconds end_after{0};     // 0: goes on
  int speed = 1;                         // of the demo
};

// Nothing: there is something that it does not understand.
std::optional<Flags> ParseFlags(const std::vector<std::string>& arguments);

extern const char* const kHelp;

}  // namespace monitor
