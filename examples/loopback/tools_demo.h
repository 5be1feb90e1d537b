// The answers that examples/tools.cc and examples/tools.c show: calls of their functions, right ones and wrong ones,
// then words.
#pragma once

#include "loopback.h"

namespace loopback {

inline Behaviour ToolsDemo() {
  return Play({IfToolResults({Say("Now I know the time, and that 19 and 23 make 42.", 4)},
                             {
                                 Say("I look at the clock, and count.", 4),
                                 CallMcp("clock", "{}", "demo"),
                                 CallMcp("add", R"({"a":19,"b":23})", "demo"),
                                 CallMcp("add", R"({"a":"much"})", "demo"),
                                 CallMcp("weather", R"({"city":"Graz"})", "demo"),
                             })});
}

}  // namespace loopback
