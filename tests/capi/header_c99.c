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

extern const warppool_context header_context;
const warppool_context header_context = WARPPOOL_CONTEXT_INIT;

extern const warppool_file_text header_file_text;
const warppool_file_text header_file_text = WARPPOOL_FILE_TEXT_INIT;

extern const warppool_shell_command header_shell_command;
const warppool_shell_command header_shell_command = WARPPOOL_SHELL_COMMAND_INIT;

extern const warppool_shell_result header_shell_result;
const warppool_shell_result header_shell_result = WARPPOOL_SHELL_RESULT_INIT;

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

static warppool_code supply(const char* token, warppool_supplied_bearer* bearer, warppool_failure* failure,
                            void* user_data) {
  if (user_data != NULL) return warppool_supplied_bearer_set(bearer, (const char*)user_data, -1, NULL);
  warppool_failure_set_message(failure, token, NULL);
  return WARPPOOL_NETWORK;
}

static void on_refused(const char* token, const char* bearer, warppool_code code, const warppool_error* error,
                       void* user_data) {
  (void)token;
  (void)bearer;
  (void)error;
  *(warppool_code*)user_data = code;
}

extern const warppool_bearer_source header_bearer_source;
const warppool_bearer_source header_bearer_source = {sizeof(warppool_bearer_source), supply, on_refused, NULL};

static warppool_code read_record(const char* key, warppool_state_value* value, warppool_failure* failure,
                                 void* user_data) {
  (void)failure;
  (void)user_data;
  return warppool_state_value_set(value, (const uint8_t*)key, 1, NULL);
}

static warppool_code write_records(const warppool_state_change* changes, size_t count, int32_t durability,
                                   warppool_failure* failure, void* user_data) {
  (void)failure;
  if (durability != WARPPOOL_STATE_POWER_LOSS && durability != WARPPOOL_STATE_PROCESS) return WARPPOOL_INTERNAL;
  *(size_t*)user_data = count > 0 && changes[0].value != NULL ? changes[0].length : 0;
  return WARPPOOL_OK;
}

static warppool_code commit_records(const warppool_state_change* changes, size_t count, int32_t durability,
                                    int32_t* committed, warppool_failure* failure, void* user_data) {
  *committed = count > 0 && changes[0].before == NULL && changes[0].before_length == 0;
  return write_records(changes, count, durability, failure, user_data);
}

static void destroy_store(void* user_data) {
  *(size_t*)user_data = 0;
}

int header_uses_a_store(warppool_state_store** store, size_t* length);
int header_uses_a_store(warppool_state_store** store, size_t* length) {
  warppool_state_store_callbacks callbacks = WARPPOOL_STATE_STORE_CALLBACKS_INIT;
  warppool_bearer_source source = WARPPOOL_BEARER_SOURCE_INIT;
  callbacks.read = read_record;
  callbacks.write = write_records;
  callbacks.commit = commit_records;
  callbacks.destroy = destroy_store;
  callbacks.user_data = length;
  return source.supply == NULL && warppool_state_store_create(&callbacks, store, NULL) == WARPPOOL_OK;
}

uint64_t header_reads_statistics(const warppool_stats* stats);
uint64_t header_reads_statistics(const warppool_stats* stats) {
  warppool_request_stats requests = WARPPOOL_REQUEST_STATS_INIT;
  warppool_tier_stats tier = WARPPOOL_TIER_STATS_INIT;
  warppool_token_stats token = WARPPOOL_TOKEN_STATS_INIT;
  if (warppool_stats_requests(stats, &requests, NULL) != WARPPOOL_OK) return 0;
  if (warppool_stats_tier(stats, 0, &tier, NULL) != WARPPOOL_OK) return 0;
  if (warppool_stats_token(stats, 0, &token, NULL) != WARPPOOL_OK) return 0;
  return requests.started + warppool_counters_requests(tier.counters) +
         warppool_counters_outcome(token.counters, WARPPOOL_OUTCOME_SUCCESS);
}
