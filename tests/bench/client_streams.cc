// The streams benchmark's client: so many pushed streams at a time, whose events are counted.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "measured_client.h"

namespace {

using warppool::Client;
using warppool::Event;
using warppool::Status;

// Runs `count` streams at the same time. The bytes of their answers' text; 0: one of them failed.
std::uint64_t Run(Client* client, const warppool::Request& request, int count) {
  std::mutex mutex;
  std::condition_variable all_done;
  int left = count;
  bool failed = false;
  // Written in the client's I/O thread alone, and read when that has said that all are done.
  std::uint64_t bytes = 0;
  const auto on_event = [&](const Event& event) {
    if (const auto* delta = std::get_if<warppool::TextDelta>(&event)) bytes += delta->text.size();
    return warppool::Flow::kContinue;
  };
  const auto on_done = [&](const Status& status) {
    if (!status.ok()) std::fprintf(stderr, "a stream failed: %s\n", status.ToString().c_str());
    const std::lock_guard<std::mutex> lock(mutex);
    failed = failed || !status.ok();
    if (--left == 0) all_done.notify_all();
  };

  std::vector<std::unique_ptr<warppool::Stream>> streams;
  for (int i = 0; i < count; ++i) {
    auto stream = client->Start(request, {on_event, on_done});
    if (!stream.ok()) {
      std::fprintf(stderr, "no stream: %s\n", stream.status().ToString().c_str());
      std::exit(EXIT_FAILURE);
    }
    streams.push_back(*std::move(stream));
  }
  std::unique_lock<std::mutex> lock(mutex);
  all_done.wait(lock, [&] { return left == 0; });
  return failed ? 0 : bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const measured::Arguments arguments = measured::ParseArguments(argc, argv);
  measured::RaiseDescriptorLimit();
  const auto client = measured::MakeClient(arguments);
  if (client == nullptr) return EXIT_FAILURE;

  const warppool::Request request(std::string(static_cast<std::size_t>(arguments.query_bytes), 'q'));
  const std::uint64_t bytes_of_one = Run(client.get(), request, 1);  // what is needed once is there
  if (bytes_of_one == 0) return EXIT_FAILURE;
  const measured::Meter meter;
  const std::uint64_t bytes = Run(client.get(), request, arguments.count);
  if (bytes != bytes_of_one * static_cast<std::uint64_t>(arguments.count)) {
    std::fprintf(stderr, "%llu bytes of text came, where one answer has %llu\n", static_cast<unsigned long long>(bytes),
                 static_cast<unsigned long long>(bytes_of_one));
    return EXIT_FAILURE;
  }
  meter.Print(arguments, bytes);
  return EXIT_SUCCESS;
}
