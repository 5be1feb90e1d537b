// Sends a reply the way its behaviour says: late, in pieces, cut off, or not at all.
#pragma once

#include <httplib.h>

#include "connection.h"
#include "reply.h"

namespace loopback {

// Blocks for the reply's delay. A stream is sent later, from the same thread, when httplib asks for it.
void Send(Reply reply, Connection* connection, httplib::Response* response);

}  // namespace loopback
