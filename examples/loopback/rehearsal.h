#pragma once

namespace loopback {

// For ThreadSanitizer; nothing in any other build. cpp-httplib makes some things at their first use, and is not
// instrumented where it comes as a library: that two threads agree on who makes them is not seen then. One answer
// before there are threads makes them all.
void Rehearse();

}  // namespace loopback
