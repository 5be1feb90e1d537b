// The requests benchmark's client: one short answer after the other.
#include "measured_client.h"

namespace {

// The bytes of the answers' text; 0: one of them failed.
std::uint64_t Ask(warppool::Client* client, const warppool::Request& request, int times) {
  std::uint64_t bytes = 0;
  for (int i = 0; i < times; ++i) {
    const warppool::Answer answer = client->Ask(request);
    if (!answer.status.ok()) {
      std::fprintf(stderr, "a request failed: %s\n", answer.status.ToString().c_str());
      return 0;
    }
    bytes += answer.text.size();
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const measured::Arguments arguments = measured::ParseArguments(argc, argv);
  const auto client = measured::MakeClient(arguments);
  if (client == nullptr) return EXIT_FAILURE;
  const warppool::Request request(std::string(static_cast<std::size_t>(arguments.query_bytes), 'q'));
  if (Ask(client.get(), request, measured::kWarmUp) == 0) return EXIT_FAILURE;
  const measured::Meter meter;
  const std::uint64_t bytes = Ask(client.get(), request, arguments.count);
  if (bytes == 0) return EXIT_FAILURE;
  meter.Print(arguments, bytes);
  return EXIT_SUCCESS;
}
