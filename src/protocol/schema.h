#pragma once

namespace warppool::internal {

// Makes protobuf build its tables of the schema now, and ours of it. protobuf does so at the first use, once in a
// process, and cannot go on if memory runs out then: better where a client or a conversation is made than in the middle
// of an answer.
void LoadSchema();

}  // namespace warppool::internal
