// What the tests of the monitor share: how it draws, and when.
#pragma once

#include <chrono>

#include "monitor_text.h"

inline constexpr monitor::Style kAscii{};
inline constexpr monitor::Style kUtf8{false, true};
inline constexpr monitor::Style kColours{true, true};
inline const std::chrono::system_clock::time_point kNow = std::chrono::system_clock::from_time_t(1'800'000'000);
