/* Asks one question, shows which tokens were loaded, chosen and blamed, and prints the answer while it comes.
 * usage: quickstart QUESTION [ENV_FILE]    Without a file only the environment's WARP_* variables count. */
#include <stdatomic.h>
#include <stdio.h>
#include <warppool.h>

static atomic_bool in_answer; /* the cursor is behind a piece of the answer; log lines come from another thread */

static int fail(const char* what, warppool_code code, warppool_error* error) {
  fprintf(stderr, "%s: %s\n", what, error ? warppool_error_to_string(error) : warppool_code_name(code));
  warppool_error_destroy(&error);
  return 1;
}

static void print_log(warppool_log_level level, const char* message, int64_t time_ms, void* user_data) {
  (void)time_ms;
  (void)user_data;
  if (level < WARPPOOL_LOG_INFO) return;
  if (atomic_exchange(&in_answer, 0)) putchar('\n');
  printf("[%-7s] %s\n", warppool_log_level_name(level), message);
}

static void print_health(const warppool_client* client) {
  warppool_pool_status* pool = NULL;
  if (warppool_client_pool(client, &pool, NULL) != WARPPOOL_OK) return;
  printf("\n=== Token pool: %s ===\n", warppool_pool_status_summary(pool));
  for (size_t i = 0; i < warppool_pool_status_count(pool); ++i) {
    warppool_token_info token = WARPPOOL_TOKEN_INFO_INIT;
    if (warppool_pool_status_token(pool, i, &token, NULL) != WARPPOOL_OK) continue;
    printf("%-18s %-8s failures=%d served=%d %s\n", token.name, warppool_token_state_name(token.state),
           (int)token.failures, (int)token.served, token.last_error_message);
  }
  warppool_pool_status_destroy(&pool);
}

static int ask(warppool_client* client, const char* question) {
  warppool_error* error = NULL;
  warppool_request* request = NULL;
  warppool_stream* stream = NULL;
  printf("\n> %s\n", question);
  warppool_code code = warppool_request_create(question, &request, &error);
  if (code == WARPPOOL_OK) code = warppool_client_start_pull(client, request, &stream, &error);
  while (code == WARPPOOL_OK) {
    const warppool_event* event = NULL;
    code = warppool_stream_next(stream, -1, &event, &error);
    if (warppool_event_get_type(event) == WARPPOOL_EVENT_TEXT_DELTA) {
      atomic_store(&in_answer, 1);
      fputs(warppool_event_text(event, NULL), stdout);
      fflush(stdout);
    }
  }
  if (atomic_exchange(&in_answer, 0)) putchar('\n');
  warppool_stream_destroy(&stream);
  warppool_request_destroy(&request);
  return code == WARPPOOL_END ? 0 : fail("The request failed", code, error);
}

int main(int argc, char** argv) {
  warppool_error* error = NULL;
  warppool_config* config = NULL;
  warppool_client* client = NULL;
  warppool_config_load_options load = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  load.env_file = argc > 2 ? argv[2] : NULL;
  load.log = options.log = print_log;

  warppool_code code = warppool_config_load(&load, &config, &error);
  if (code != WARPPOOL_OK) return fail("The configuration cannot be used", code, error);
  code = warppool_client_create(config, &options, &client, &error);
  warppool_config_destroy(&config);
  if (code != WARPPOOL_OK) return fail("No client", code, error);

  const int result = ask(client, argc > 1 ? argv[1] : "Why is the sky blue?");
  print_health(client);
  warppool_client_destroy(&client);
  return result;
}
