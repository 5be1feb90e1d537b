/* Compiles if the C header is strict C99 (and C11), needs nothing included before it, and its initialisers are whole.
 */
#include <warppool.h>
/* A second time: harmless. */
#include <warppool.h>

extern const warppool_config_load_options header_load_options;
const warppool_config_load_options header_load_options = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;

extern const warppool_client_options header_client_options;
const warppool_client_options header_client_options = WARPPOOL_CLIENT_OPTIONS_INIT;

extern const warppool_health_check_options header_health_check_options;
const warppool_health_check_options header_health_check_options = WARPPOOL_HEALTH_CHECK_OPTIONS_INIT;

static void on_pool_event(const warppool_pool_event* event, void* user_data) {
  *(warppool_code*)user_data = warppool_pool_event_code(event);
}

warppool_client_options header_listens(warppool_code* code);
warppool_client_options header_listens(warppool_code* code) {
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  options.pool_event = on_pool_event;
  options.pool_event_user_data = code;
  return options;
}

static warppool_flow on_event(const warppool_event* event, void* user_data) {
  (void)user_data;
  return warppool_event_get_type(event) == WARPPOOL_EVENT_FINISHED ? WARPPOOL_FLOW_CANCEL : WARPPOOL_FLOW_CONTINUE;
}

static void on_done(warppool_code code, const warppool_error* error, void* user_data) {
  *(warppool_code*)user_data = error == NULL ? WARPPOOL_OK : code;
}

int header_uses_callbacks(warppool_client* client, const warppool_request* request);
int header_uses_callbacks(warppool_client* client, const warppool_request* request) {
  warppool_code code = WARPPOOL_OK;
  warppool_stream* stream = NULL;
  warppool_usage usage = WARPPOOL_USAGE_INIT;
  warppool_token_info info = WARPPOOL_TOKEN_INFO_INIT;
  warppool_stream_callbacks callbacks = WARPPOOL_STREAM_CALLBACKS_INIT;
  callbacks.on_event = on_event;
  callbacks.on_done = on_done;
  callbacks.user_data = &code;
  code = warppool_client_start(client, request, &callbacks, &stream, NULL);
  warppool_stream_destroy(&stream);
  return code == WARPPOOL_OK && usage.struct_size == sizeof usage && info.struct_size == sizeof info;
}
