/* Makes and destroys a client, so that what the library needs must really be linked. Sends nothing. */
#include <stdio.h>
#include <warppool.h>

int main(void) {
  warppool_config* config = NULL;
  warppool_client* client = NULL;
  warppool_code code = warppool_config_create(&config, NULL);
  if (code == WARPPOOL_OK) {
    code = warppool_config_add_token(config, WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, "demo-token-1",
                                     NULL, NULL);
  }
  if (code == WARPPOOL_OK) code = warppool_client_create(config, NULL, &client, NULL);
  printf("C %s: %s\n", warppool_version(), warppool_code_name(code));
  warppool_config_destroy(&config);
  return code == WARPPOOL_OK && warppool_client_destroy(&client) == WARPPOOL_OK ? 0 : 1;
}
