// Where an example gets its configuration: from whoever runs it or, without any, from a stand-in of the service in this
// process, so that it can be tried at once.
#pragma once

#include <warppool/client.h>

#include <memory>
#include <string>

#include "loopback.h"

namespace example {

struct Setup {
  warppool::Config config;
  std::string description;  // who answers, and how that was decided

  // The stand-in, and the one token that it knows; null and empty with a configuration of one's own. Must outlive the
  // client.
  std::unique_ptr<loopback::Service> stand_in{};
  std::string token{};
};

// `env_file` empty: the current folder's .env, if there is one. The environment counts, too. Where neither says
// anything of tokens, the stand-in answers. Warnings go to stderr. Throws std::runtime_error if the stand-in cannot
// listen.
warppool::Result<Setup> MakeSetup(std::string env_file);

}  // namespace example
