/* Lets the agent call functions of this program: tools.cc in C. tools.sh --c starts a service for it.
 * usage: tools_c QUESTION [ENV_FILE]    Without a file only the environment's WARP_* variables count. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <warppool.h>

enum { MAX_ROUNDS = 8 }; /* an agent that never has enough must not go on for ever */

static const char* const ADD_SCHEMA =
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"number\"}},"
    "\"required\":[\"a\",\"b\"]}";

static int fail(const char* what, warppool_code code, warppool_error* error) {
  fprintf(stderr, "%s: %s\n", what, error ? warppool_error_to_string(error) : warppool_code_name(code));
  warppool_error_destroy(&error);
  return 1;
}

/* Passes `token`, and what is blank before it; 0: something else is there. */
static int skip(const char** at, const char* token) {
  while (isspace((unsigned char)**at)) ++*at;
  if (strncmp(*at, token, strlen(token)) != 0) return 0;
  *at += strlen(token);
  return 1;
}

/* Reads {"a": NUMBER, "b": NUMBER}, in any order, and nothing else. A program with more to read has a JSON parser. */
static int read_numbers(const char* json, double* a, double* b) {
  int seen = 0;
  if (!skip(&json, "{")) return 0;
  do {
    const int is_a = skip(&json, "\"a\"");
    if (!is_a && !skip(&json, "\"b\"")) return 0;
    if (!skip(&json, ":")) return 0;
    char* end = NULL;
    *(is_a ? a : b) = strtod(json, &end);
    if (end == json) return 0;
    json = end;
    seen |= is_a ? 1 : 2;
  } while (skip(&json, ","));
  return seen == 3 && skip(&json, "}");
}

/* Makes the call, and adds its result to the request. What the agent reads if it asks for what is not there, or in a
 * wrong way, is an error: it may do better then. */
static warppool_code make_call(const warppool_tool_call_info* call, warppool_request* request, warppool_error** error) {
  char text[400];
  int went_well = 1;
  double a = 0;
  double b = 0;
  if (strcmp(call->function, "clock") == 0) {
    const time_t now = time(NULL);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
  } else if (strcmp(call->function, "add") != 0) {
    went_well = 0;
    snprintf(text, sizeof(text), "there is no such function");
  } else if (read_numbers(call->arguments, &a, &b)) {
    snprintf(text, sizeof(text), "%.15g", a + b);
  } else {
    went_well = 0;
    snprintf(text, sizeof(text), "\"a\" and \"b\" must be numbers");
  }
  printf("call   %s %s\n%-6s %s\n", call->function, call->arguments, went_well ? "result" : "error", text);
  if (went_well) return warppool_request_add_tool_result_text(request, call->id, text, error);
  return warppool_request_add_tool_result_error(request, call->id, WARPPOOL_TOOL_CALL_MCP_TOOL, text, error);
}

/* Makes all calls that wait. A request that leaves one out leaves the agent waiting for it. */
static warppool_code make_calls(const warppool_conversation* conversation, warppool_request* request, size_t* count,
                                warppool_error** error) {
  warppool_conversation_view* view = NULL;
  warppool_code code = warppool_conversation_inspect(conversation, &view, error);
  *count = warppool_conversation_view_tool_call_count(view);
  for (size_t i = 0; code == WARPPOOL_OK && i < *count; ++i) {
    warppool_tool_call_info call = WARPPOOL_TOOL_CALL_INFO_INIT;
    code = warppool_conversation_view_tool_call(view, i, &call, error);
    if (code == WARPPOOL_OK) code = make_call(&call, request, error);
  }
  warppool_conversation_view_destroy(&view);
  return code;
}

/* The functions go with every request: what a request does not bring, the agent cannot call. */
static warppool_code add_functions(warppool_request* request, warppool_error** error) {
  warppool_code code = warppool_request_add_mcp_server(request, "demo", NULL, NULL, error);
  if (code == WARPPOOL_OK) {
    code = warppool_request_add_mcp_tool(request, "clock", "The present date and time, UTC", NULL, error);
  }
  if (code == WARPPOOL_OK) {
    code = warppool_request_add_mcp_tool(request, "add", "The sum of two numbers", ADD_SCHEMA, error);
  }
  if (code == WARPPOOL_OK) {
    code = warppool_request_set_setting(request, WARPPOOL_SETTING_PARALLEL_TOOL_CALLS, 1, error);
  }
  return code;
}

static int talk(warppool_client* client, warppool_conversation* conversation, warppool_request* request) {
  warppool_error* error = NULL;
  warppool_code code = add_functions(request, &error);
  for (int round = 0; code == WARPPOOL_OK && round < MAX_ROUNDS; ++round) {
    warppool_answer* answer = NULL;
    size_t calls = 0;
    code = warppool_client_ask_turn(client, conversation, request, &answer, &error);
    puts(warppool_answer_text(answer, NULL)); /* of an answer that broke off, what came */
    warppool_answer_destroy(&answer);
    /* The next request brings no words of the user, but the new results instead of the old ones. */
    if (code == WARPPOOL_OK) code = warppool_request_set_query(request, "", &error);
    if (code == WARPPOOL_OK) code = warppool_request_clear_tool_results(request, &error);
    if (code == WARPPOOL_OK) code = make_calls(conversation, request, &calls, &error);
    if (code == WARPPOOL_OK && calls == 0) return 0;
  }
  if (code != WARPPOOL_OK) return fail("The request failed", code, error);
  fprintf(stderr, "The agent still calls functions after %d rounds.\n", MAX_ROUNDS);
  return 1;
}

int main(int argc, char** argv) {
  warppool_error* error = NULL;
  warppool_config* config = NULL;
  warppool_client* client = NULL;
  warppool_conversation* conversation = NULL;
  warppool_request* request = NULL;
  const char* const question = argc > 1 ? argv[1] : "What time is it, and what are 19 and 23 together?";
  warppool_config_load_options load = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
  load.env_file = argc > 2 ? argv[2] : NULL;

  warppool_code code = warppool_config_load(&load, &config, &error);
  if (code == WARPPOOL_OK) code = warppool_client_create(config, NULL, &client, &error);
  if (code == WARPPOOL_OK) code = warppool_conversation_create(&conversation, &error);
  if (code == WARPPOOL_OK) code = warppool_request_create(question, &request, &error);
  printf("> %s\n", question);
  const int result = code == WARPPOOL_OK ? talk(client, conversation, request) : fail("It cannot begin", code, error);
  warppool_request_destroy(&request);
  warppool_conversation_destroy(&conversation);
  warppool_client_destroy(&client);
  warppool_config_destroy(&config);
  return result;
}
