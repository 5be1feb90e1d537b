#include "http/fetch.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/guarded.h"
#include "base/wipe.h"
#include "http/refusal.h"

namespace warppool::internal {
namespace {

// Lives until its one call of `done`.
class Fetcher final : public HttpHandler, public std::enable_shared_from_this<Fetcher> {
 public:
  Fetcher(Transport* transport, std::size_t max_bytes, std::function<void(const FetchResult&)> done)
      : transport_(transport), max_bytes_(max_bytes), done_(std::move(done)) {}

  void Start(HttpRequest request, std::chrono::milliseconds timeout) {
    self_ = shared_from_this();
    result_.secrets = transport_->secrets();
    timer_ = transport_->executor().After(timeout, [this, timeout] {
      if (IsRefusal()) {
        result_.complete = false;
      } else {
        result_.transfer = {TransferError::kSilence, fmt::format("no whole answer within {} ms", timeout.count())};
      }
      BreakOff();
    });
    try {
      transfer_ = transport_->Start(std::move(request), this);
    } catch (...) {  // never begun: `done` must not be called later
      transport_->executor().CancelTimer(timer_);
      self_.reset();
      throw;
    }
  }

  ~Fetcher() override { Wipe(&result_.body); }

  void OnHead(HttpHead head) override {
    result_.head = std::move(head);
    if (!IsRefusal()) return;
    refusal_timer_ = transport_->executor().After(kMaxRefusalTime, [this] {
      result_.complete = false;
      BreakOff();
    });
  }

  void OnBody(std::string_view bytes) override {
    const std::size_t room = (IsRefusal() ? kMaxRefusalBytes : max_bytes_) - result_.body.size();
    if (bytes.size() <= room) {
      AppendSecret(bytes, &result_.body);
      return;
    }
    if (IsRefusal()) {
      AppendSecret(bytes.substr(0, room), &result_.body);
      result_.complete = false;
      return BreakOff();
    }
    result_.too_large = true;
    BreakOff();
  }

  void OnDone(const TransferResult& result) override {
    if (IsRefusal() && LeavesRefusal(result.error)) {
      result_.readable = result.error != TransferError::kNotDecoded;
      result_.complete = !result_.readable;
    } else {
      result_.transfer.error = result.error;
      // Without words, if there is no memory for them: that it is over must be told.
      Guarded([&] { result_.transfer.detail = result.detail; });
    }
    Finish();
  }

 private:
  bool IsRefusal() const { return result_.head.status != 0 && result_.head.status != 200; }

  void BreakOff() {
    transport_->Cancel(transfer_);
    Finish();
  }

  void Finish() {
    transport_->executor().CancelTimer(timer_);
    if (refusal_timer_ != 0) transport_->executor().CancelTimer(refusal_timer_);
    const auto self = std::move(self_);
    done_(result_);
  }

  Transport* const transport_;
  const std::size_t max_bytes_;
  const std::function<void(const FetchResult&)> done_;
  std::shared_ptr<Fetcher> self_;  // until Finish()
  TransferId transfer_ = 0;
  TimerId timer_ = 0;
  TimerId refusal_timer_ = 0;
  FetchResult result_;
};

}  // namespace

void Fetch(Transport* transport, HttpRequest request, std::size_t max_bytes, std::chrono::milliseconds timeout,
           std::function<void(const FetchResult&)> done) {
  std::make_shared<Fetcher>(transport, max_bytes, std::move(done))->Start(std::move(request), timeout);
}

}  // namespace warppool::internal
