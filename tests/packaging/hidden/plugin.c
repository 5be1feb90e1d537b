/* A shared object of somebody's, with the library inside it: it exports this one function. */
#include <warppool.h>

__attribute__((visibility("default"))) int plugin_starts(void);

int plugin_starts(void) {
  warppool_config* config = NULL;
  warppool_client* client = NULL;
  if (warppool_config_create(&config, NULL) != WARPPOOL_OK) return 1;
  int code = (int)warppool_client_create(config, NULL, &client, NULL);
  warppool_client_destroy(&client);
  warppool_config_destroy(&config);
  return code;
}
