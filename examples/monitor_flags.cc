#include "monitor_flags.h"

#include <charconv>

namespace monitor {
namespace {

std::optional<int> ParseNumber(const std::string& text, int least, int most) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < least || number > most) return std::nullopt;
  return number;
}

// One that stands alone; false: there is no such.
bool ReadSwitch(const std::string& flag, Flags* flags) {
  if (flag == "--help") {
    flags->help = true;
  } else if (flag == "--demo") {
    flags->demo = true;
  } else if (flag == "--plain") {
    flags->plain = true;
  } else if (flag == "--colour") {
    flags->colour = true;
  } else if (flag == "--no-colour") {
    flags->colour = false;
  } else {
    return false;
  }
  return true;
}

// One with a value; false: there is no such, or not with this value.
bool ReadSetting(const std::string& flag, const std::string& value, Flags* flags) {
  if (value.empty()) return false;
  if (flag == "--env") {
    flags->env_file = value;
    return true;
  }
  if (flag == "--metrics") {
    flags->metrics_file = value;
    return true;
  }
  constexpr int kDay = 24 * 3600;
  if (flag == "--interval") {
    const auto number = ParseNumber(value, 50, 60'000);
    flags->interval = std::chrono::milliseconds(number.value_or(0));
    return number.has_value();
  }
  if (flag == "--check") {
    const auto number = ParseNumber(value, 0, kDay);
    flags->check_every = std::chrono::seconds(number.value_or(0));
    return number.has_value();
  }
  if (flag == "--for") {
    const auto number = ParseNumber(value, 1, 365 * kDay);
    flags->end_after = std::chrono::seconds(number.value_or(0));
    return number.has_value();
  }
  if (flag == "--speed") {
    const auto number = ParseNumber(value, 1, 10);
    flags->speed = number.value_or(0);
    return number.has_value();
  }
  return false;
}

}  // namespace

const char* const kHelp =
    "usage: monitor --demo [--speed N] | [--env FILE] [--check SECONDS]\n"
    "               [--for SECONDS] [--interval MS] [--plain] [--colour | --no-colour] [--metrics FILE]\n"
    "\n"
    "Shows a pool of tokens live. On a terminal it draws a row for each token; elsewhere it writes a line for each "
    "thing\n"
    "that happens. It ends on Ctrl-C, SIGTERM or q.\n"
    "\n"
    "  --demo            a service on this machine whose tokens get into trouble, and recover, within a minute\n"
    "  --speed N         the demo goes N times as fast, 1 to 10; default: 1\n"
    "  --env FILE        read this file beside the environment; default: .env in the current folder, if there is one\n"
    "  --check SECONDS   how often your tokens are checked: token exchanges and quota queries, which cost no credits;\n"
    "                    the agent is asked nothing. Default: 60; 0: never\n"
    "  --for SECONDS     end by itself after this time\n"
    "  --interval MS     how often it looks and draws, 50 to 60000; default: 500\n"
    "  --plain           lines even on a terminal\n"
    "  --colour, --no-colour\n"
    "                    default: colours on a terminal, unless NO_COLOR is set\n"
    "  --metrics FILE    keep the statistics in this file, in the text format of Prometheus\n"
    "  --help            this text\n"
    "\n"
    "Exit code: 0 it was ended, 1 it could not go on, 2 the command line or the configuration cannot be used.\n";

std::optional<Flags> ParseFlags(const std::vector<std::string>& arguments) {
  Flags flags;
  bool own = false;
  bool of_demo = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (ReadSwitch(arguments[i], &flags)) continue;
    if (i + 1 == arguments.size() || !ReadSetting(arguments[i], arguments[i + 1], &flags)) return std::nullopt;
    own |= arguments[i] == "--env" || arguments[i] == "--check";
    of_demo |= arguments[i] == "--speed";
    ++i;
  }
  if (flags.demo ? own : of_demo) return std::nullopt;
  return flags;
}

}  // namespace monitor
