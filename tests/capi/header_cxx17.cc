// Compiles if the C header and every public C++ header is C++17, needs nothing included before it, and they get along.
#include <warppool.h>
#include <warppool/client.h>
#include <warppool/config.h>
#include <warppool/context.h>
#include <warppool/event.h>
#include <warppool/log.h>
#include <warppool/request.h>
#include <warppool/state_store.h>
#include <warppool/stats.h>
#include <warppool/status.h>
#include <warppool/stream.h>
#include <warppool/token_pool.h>
#include <warppool/tool.h>
#include <warppool/version.h>

static_assert(__cplusplus == 201703L, "compile it as C++17");

// A C enumeration holds any number in C++, as it does in C.
static_assert(static_cast<int>(static_cast<warppool_code>(-1)) == -1, "");

warppool_token_info HeaderInitialisers() {
  const warppool_config_load_options load = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
  const warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  const warppool_stream_callbacks callbacks = WARPPOOL_STREAM_CALLBACKS_INIT;
  const warppool_usage usage = WARPPOOL_USAGE_INIT;
  const warppool_health_check_options check = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;
  const warppool_bearer_source source = WARPPOOL_BEARER_SOURCE_INIT;
  const warppool_state_store_callbacks store = WARPPOOL_STATE_STORE_CALLBACKS_INIT;
  const warppool_request_stats requests = WARPPOOL_REQUEST_STATS_INIT;
  const warppool_tier_stats tier = WARPPOOL_TIER_STATS_INIT;
  const warppool_token_stats token = WARPPOOL_TOKEN_STATS_INIT;
  const warppool_context context = WARPPOOL_CONTEXT_INIT;
  const warppool_file_text file = WARPPOOL_FILE_TEXT_INIT;
  const warppool_shell_command command = WARPPOOL_SHELL_COMMAND_INIT;
  const warppool_shell_result result = WARPPOOL_SHELL_RESULT_INIT;
  warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;
  info.served = load.struct_size + options.struct_size + callbacks.struct_size + usage.struct_size;
  info.served += check.struct_size + source.struct_size + store.struct_size;
  info.served += requests.struct_size + tier.struct_size + token.struct_size;
  info.served += context.struct_size + file.struct_size + command.struct_size + result.struct_size;
  return info;
}
