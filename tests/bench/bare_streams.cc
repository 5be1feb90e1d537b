// The streams benchmark's floor.
#include "bare_client.h"

int main(int argc, char** argv) {
  const measured::Arguments arguments = measured::ParseArguments(argc, argv);
  measured::RaiseDescriptorLimit();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  measured::BareClient client(arguments);
  if (!client.Run(1)) return EXIT_FAILURE;  // what is needed once is there
  const std::uint64_t bytes = client.bytes();
  const measured::Meter meter;
  if (!client.Run(arguments.count)) return EXIT_FAILURE;
  meter.Print(arguments, client.bytes() - bytes);
  return EXIT_SUCCESS;
}
