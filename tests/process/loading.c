/* A program that loads the shared library of the C API, begins to stream, and ends, with the library closed or not.
 * Built WITH_STATIC_COPY, it has the library in itself, too, with a protobuf of its own.
 *
 *   loading <library> <server URL> <token> loaded|static-first|loaded-first close|keep
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <warppool.h>

#define FUNCTIONS(X)                \
  X(warppool_config_create)         \
  X(warppool_config_add_token)      \
  X(warppool_config_set_server_url) \
  X(warppool_client_create)         \
  X(warppool_request_create)        \
  X(warppool_client_start)

/* A copy of the library. */
struct copy {
#define MEMBER(name) __typeof__(&name) name;
  FUNCTIONS(MEMBER)
};

static volatile int began[2];

static warppool_flow on_event(const warppool_event* event, void* user_data) {
  (void)event;
  *(volatile int*)user_data = 1;
  return WARPPOOL_FLOW_CONTINUE;
}

/* Nothing that it makes is ever destroyed. */
static int start(const struct copy* copy, char** argv, int number) {
  warppool_config* config = NULL;
  warppool_client* client = NULL;
  warppool_request* request = NULL;
  warppool_stream* stream = NULL;
  warppool_stream_callbacks callbacks = WARPPOOL_STREAM_CALLBACKS_INIT;
  callbacks.on_event = on_event;
  callbacks.user_data = (void*)&began[number];
  if (copy->warppool_config_create(&config, NULL) != WARPPOOL_OK ||
      copy->warppool_config_set_server_url(config, argv[2], NULL) != WARPPOOL_OK ||
      copy->warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, argv[3], NULL,
                                      NULL) != WARPPOOL_OK ||
      copy->warppool_client_create(config, NULL, &client, NULL) != WARPPOOL_OK ||
      copy->warppool_request_create("hello", &request, NULL) != WARPPOOL_OK ||
      copy->warppool_client_start(client, request, &callbacks, &stream, NULL) != WARPPOOL_OK) {
    return 0;
  }
  while (!began[number]) usleep(1000);
  return 1;
}

int main(int argc, char** argv) {
  struct copy loaded;
  if (argc != 6) return 2;
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  /* POSIX's way to make a function of what dlsym() returns. */
#define FIND(name) *(void**)&loaded.name = dlsym(library, #name);
  FUNCTIONS(FIND)
#if defined(WITH_STATIC_COPY)
#define TAKE(name) .name = name,
  const struct copy own = {FUNCTIONS(TAKE)};
  if (own.warppool_client_start == loaded.warppool_client_start) return 1;
  const int static_first = strcmp(argv[4], "static-first") == 0;
  if (!start(static_first ? &own : &loaded, argv, 0)) return 1;
  if (!start(static_first ? &loaded : &own, argv, 1)) return 1;
#else
  if (!start(&loaded, argv, 0)) return 1;
#endif
  if (strcmp(argv[5], "close") == 0) dlclose(library);
  return 42;
}
