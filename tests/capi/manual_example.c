#include <inttypes.h>
#include <stdio.h>
#include <warppool.h>

static int fail(const char* what, warppool_code code, warppool_error* error) {
  fprintf(stderr, "%s: %s\n", what, error ? warppool_error_to_string(error) : warppool_code_name(code));
  warppool_error_destroy(&error);
  return 1;
}

static void log_line(warppool_log_level level, const char* message, int64_t time_ms, void* user_data) {
  (void)user_data;
  fprintf(stderr, "%" PRId64 " %s %s\n", time_ms, warppool_log_level_name(level), message);
}

// Prints the answer while it comes.
static int stream_answer(warppool_client* client, const char* question) {
  warppool_error* error = NULL;
  warppool_request* request = NULL;
  warppool_stream* stream = NULL;
  warppool_code code = warppool_request_create(question, &request, &error);
  if (code == WARPPOOL_OK) code = warppool_client_start_pull(client, request, &stream, &error);
  while (code == WARPPOOL_OK) {
    const warppool_event* event = NULL;
    code = warppool_stream_next(stream, -1, &event, &error);
    switch (warppool_event_get_type(event)) {
      case WARPPOOL_EVENT_TEXT_DELTA:
        fputs(warppool_event_text(event, NULL), stdout);
        break;
      case WARPPOOL_EVENT_ATTEMPT_FAILED:
        fprintf(stderr, "%s: %s\n", warppool_event_token(event), warppool_event_message(event));
        break;
      default:  // there are more, and a later version may have new ones
        break;
    }
  }
  putchar('\n');
  warppool_stream_destroy(&stream);
  warppool_request_destroy(&request);
  return code == WARPPOOL_END ? 0 : fail("answer", code, error);
}

int main(int argc, char** argv) {
  warppool_error* error = NULL;
  warppool_config* config = NULL;
  warppool_config_load_options load = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
  load.env_file = ".env";
  load.log = log_line;
  warppool_code code = warppool_config_load(&load, &config, &error);
  if (code != WARPPOOL_OK) return fail("configuration", code, error);

  warppool_client* client = NULL;
  warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
  options.log = log_line;
  code = warppool_client_create(config, &options, &client, &error);
  warppool_config_destroy(&config);
  if (code != WARPPOOL_OK) return fail("client", code, error);

  const int result = stream_answer(client, argc > 1 ? argv[1] : "Why is the sky blue?");
  warppool_client_destroy(&client);
  return result;
}
