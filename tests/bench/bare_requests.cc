// The requests benchmark's floor: libcurl in a thread of its own, as any library has it that many threads may ask.
// Another thread asks it for one short answer after the other.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "bare_client.h"

namespace {

// Hands a request to the thread that serves, and waits for its end.
class Asker {
 public:
  explicit Asker(const measured::Arguments& arguments)
      : client_(arguments), thread_([this] { client_.Serve([this](bool ok) { Done(ok); }); }) {}
  ~Asker() {
    client_.Post(measured::BareClient::kStop);
    thread_.join();
  }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  bool Ask(int times) {
    for (int i = 0; i < times; ++i) {
      client_.Post(measured::BareClient::kRequest);
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return done_; });
      done_ = false;
      if (!ok_) return false;
    }
    return true;
  }
  // Between two calls of Ask().
  std::uint64_t bytes() const { return client_.bytes(); }

 private:
  void Done(bool ok) {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ = true;
    ok_ = ok;
    changed_.notify_one();
  }

  measured::BareClient client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  bool ok_ = false;
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  const measured::Arguments arguments = measured::ParseArguments(argc, argv);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Asker asker(arguments);
  if (!asker.Ask(measured::kWarmUp)) return EXIT_FAILURE;
  const std::uint64_t bytes = asker.bytes();
  const measured::Meter meter;
  if (!asker.Ask(arguments.count)) return EXIT_FAILURE;
  meter.Print(arguments, asker.bytes() - bytes);
  return EXIT_SUCCESS;
}
