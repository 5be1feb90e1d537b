#include "http/curl_transport.h"

#include <curl/curl.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "http/curl_transfer.h"
#include "platform/connection.h"

namespace warppool::internal {
namespace {

// As often libcurl is called again at once, if it wants to be.
constexpr int kMostRuns = 4;

// Sets a value for as long as it lives, whichever way that ends.
template <typename T>
class Within {
 public:
  Within(T* variable, T value) : variable_(variable), before_(std::exchange(*variable, value)) {}
  ~Within() { *variable_ = before_; }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  T* const variable_;
  const T before_;
};

}  // namespace

struct CurlTransport::Callbacks {
  // Nothing may be thrown through libcurl; -1 tells it that there is no memory.
  template <typename Call>
  static int Guarded(const Call& call) noexcept {
    try {
      call();
      return 0;
    } catch (...) {
      return -1;
    }
  }

  // This and OnTimer() never fail: libcurl would end all transfers, and not only the one that found no memory.
  static int OnSocket(CURL* easy, curl_socket_t socket, int what, void* self, void* /*socket_data*/) {
    Readiness interest = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) interest |= kReadable;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) interest |= kWritable;
    auto* transport = static_cast<CurlTransport*>(self);
    const int failed = Guarded([&] { transport->Watch(static_cast<int>(socket), interest); });
    if (failed != 0 && interest != 0) transport->EndUnwatched(easy);
    return 0;
  }

  static int OnOpened(void* transfer, curl_socket_t socket, curlsocktype /*purpose*/) {
    PrepareConnection(static_cast<int>(socket));
    auto* opener = static_cast<CurlTransfer*>(transfer);
    const int failed = Guarded(
        [&] { opener->transport()->sockets_.insert_or_assign(static_cast<int>(socket), Socket{opener->id()}); });
    if (failed != 0) opener->NoteOutOfMemory();
    return failed == 0 ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
  }

  static int OnClosed(void* self, curl_socket_t socket) {
    auto* transport = static_cast<CurlTransport*>(self);
    transport->sockets_.erase(static_cast<int>(socket));
    // Before its number can be another one's; libcurl asks for it only afterwards.
    Guarded([&] { transport->loop_->Watch(static_cast<int>(socket), 0); });
    CloseConnection(static_cast<int>(socket));
    return 0;
  }

  static int OnTimer(CURLM* /*multi*/, long milliseconds, void* self) {
    auto* transport = static_cast<CurlTransport*>(self);
    transport->timer_is_missing_ = Guarded([&] { transport->SetTimer(milliseconds); }) != 0;
    return 0;
  }
};

CurlTransport::CurlTransport(EventLoop* loop, CurlOptions options) : loop_(loop), options_(std::move(options)) {}

CurlTransport::~CurlTransport() {
  Shutdown();
}

Status CurlTransport::Open() {
  // libcurl's own process-wide state; never given back, since other users of libcurl may need it.
  static std::once_flag once;
  static CURLcode global = CURLE_OK;
  std::call_once(once, [] { global = curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (global == CURLE_OK) multi_ = curl_multi_init();
  if (multi_ == nullptr) return {Code::kInternal, "libcurl could not be initialised"};
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Callbacks::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Callbacks::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  loop_->SetBeforeWait([this] {
    if (is_due_ || !to_add_.empty() || !to_remove_.empty() || !to_resume_.empty()) AfterCurl();
    if (timer_is_missing_) {
      StartTimer(std::max(std::chrono::ceil<std::chrono::milliseconds>(timer_due_ - std::chrono::steady_clock::now()),
                          std::chrono::milliseconds(0)));
    }
  });
  loop_->SetIoHandler([this](int fd, Readiness readiness) {
    if (ForgetIdle(fd)) return;
    int action = 0;
    if ((readiness & kReadable) != 0) action |= CURL_CSELECT_IN;
    if ((readiness & kWritable) != 0) action |= CURL_CSELECT_OUT;
    // Reading tells what is wrong, and what came before; CURL_CSELECT_ERR alone would only say that something is.
    if ((readiness & kFailed) != 0) action |= CURL_CSELECT_IN;
    InCurl([&] {
      int running = 0;
      curl_multi_socket_action(multi_, fd, action, &running);
    });
  });
  return {};
}

void CurlTransport::Shutdown() {
  if (multi_ == nullptr) return;
  loop_->SetIoHandler([](int, Readiness) {});
  loop_->SetBeforeWait([] {});
  // While it tears down, libcurl reports sockets that it has closed already, and whose number may be another's by now.
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, nullptr);
  const auto transfers = std::exchange(transfers_, {});
  for (const auto& [id, transfer] : transfers) {
    loop_->CancelTimer(transfer->silence_timer);
    loop_->CancelTimer(transfer->connect_timer);
    curl_multi_remove_handle(multi_, transfer->easy());
    transfer->Stop();
  }
  idle_.Clear();
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  loop_->CancelTimer(std::exchange(timer_, 0));
}

template <typename Call>
void CurlTransport::InCurl(const Call& call) {
  {
    const Within<int> inside(&depth_, depth_ + 1);
    call();
  }
  AfterCurl();
}

void CurlTransport::AfterCurl() {
  // Handlers that are called from here may ask for more; the outermost call sees to all of it.
  if (depth_ > 0 || working_) return;
  const Within<bool> working(&working_, true);
  int runs = 0;
  while (true) {
    ReadFinished();
    if (!to_remove_.empty()) {
      const TransferId id = to_remove_.back();
      to_remove_.pop_back();
      Remove(id);
    } else if (!to_add_.empty()) {
      AddAll();
    } else if (!to_resume_.empty()) {
      const TransferId id = to_resume_.back();
      to_resume_.pop_back();
      const auto it = transfers_.find(id);
      if (it == transfers_.end()) continue;
      ++depth_;  // libcurl hands over what it has kept from within this call
      curl_easy_pause(it->second->easy(), CURLPAUSE_CONT);
      --depth_;
    } else if (is_due_ && runs < kMostRuns && std::chrono::steady_clock::now() < timer_due_) {
      ++runs;
      RunDue();
    } else {
      break;
    }
  }
  // It has still more to do, and other connections have something to read.
  if (is_due_) is_due_ = Callbacks::Guarded([&] { StartTimer(std::chrono::milliseconds(0)); }) != 0;
}

// A connection that libcurl does not listen to between two requests stays with the poller, as it most often was when
// the next one begins: to take it out and put it in again would be two system calls for each request.
void CurlTransport::Watch(int fd, Readiness interest) {
  const auto found = sockets_.find(fd);
  if (found == sockets_.end()) return loop_->Watch(fd, interest);  // not a connection
  Socket& socket = found->second;
  socket.is_idle = interest == 0 && socket.watched == kReadable;
  if (socket.is_idle || interest == socket.watched) return;
  loop_->Watch(fd, interest);
  socket.watched = interest;
}

// Something has come on a connection that nobody listens to, and that would be told again and again.
bool CurlTransport::ForgetIdle(int fd) {
  const auto found = sockets_.find(fd);
  if (found == sockets_.end() || !found->second.is_idle) return false;
  loop_->Watch(fd, 0);
  found->second.watched = 0;
  found->second.is_idle = false;
  return true;
}

// libcurl wants to be called again, after so many milliseconds; negative: not before something happens.
void CurlTransport::SetTimer(long milliseconds) {
  loop_->CancelTimer(std::exchange(timer_, 0));
  if (milliseconds < 0) {
    timer_due_ = SteadyTime::max();
    is_due_ = false;
    return;
  }
  // As long as none of the time-outs that it knew of before has passed, what it wants to do at once can be done at
  // once. Before a time-out the descriptors have to be polled, which is what the loop does before it runs a timer.
  const SteadyTime now = std::chrono::steady_clock::now();
  is_due_ = milliseconds == 0 && now < timer_due_;
  if (is_due_) return;
  timer_due_ = DeadlineIn(std::chrono::milliseconds(milliseconds), now);
  StartTimer(std::chrono::milliseconds(milliseconds));
}

void CurlTransport::StartTimer(std::chrono::milliseconds delay) {
  timer_is_missing_ = true;  // unless there is memory for it
  timer_ = loop_->After(delay, [this] {
    timer_ = 0;
    RunDue();
    AfterCurl();
  });
  timer_is_missing_ = false;
}

// The poller has no memory for a descriptor that `easy` waits for.
void CurlTransport::EndUnwatched(void* easy) {
  CurlTransfer* transfer = nullptr;
  curl_easy_getinfo(static_cast<CURL*>(easy), CURLINFO_PRIVATE, &transfer);
  if (transfer == nullptr) return;
  transfer->FinishOutOfMemory();
  RemoveLater(transfer);
}

void CurlTransport::RunDue() {
  is_due_ = false;
  timer_due_ = SteadyTime::max();
  const Within<int> inside(&depth_, depth_ + 1);
  int running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

TransferId CurlTransport::Start(HttpRequest request, HttpHandler* handler) {
  const TransferId id = ++last_id_;
  auto transfer = std::make_unique<CurlTransfer>(this, id, std::move(request), handler);
  // What may find no memory comes before the transfer is there: an id without one does no harm.
  if (to_remove_.capacity() <= transfers_.size()) to_remove_.reserve(2 * transfers_.size() + 1);
  to_add_.push_back(id);
  transfers_.emplace(id, std::move(transfer));
  return id;
}

void CurlTransport::AddAll() {
  // By their places: a handler that is told of a failure here may start another one.
  for (std::size_t i = 0; i < to_add_.size(); ++i) {
    const auto it = transfers_.find(to_add_[i]);
    if (it == transfers_.end() || it->second->handler() == nullptr) continue;
    CurlTransfer* const transfer = it->second.get();
    bool added = false;
    const int failed = Callbacks::Guarded([&] { added = Add(transfer); });
    if (added) continue;
    transfer->Finish(failed == 0 ? CURLE_FAILED_INIT : CURLE_OUT_OF_MEMORY);
    RemoveLater(transfer);
  }
  to_add_.clear();
}

bool CurlTransport::Add(CurlTransfer* transfer) {
  auto handle = idle_.Take(transfer->target().get());
  if (handle == nullptr) handle = CurlHandle::Make(transfer->target(), options_);
  if (!transfer->SetUp(std::move(handle)) ||
      curl_easy_setopt(transfer->easy(), CURLOPT_SOCKOPTFUNCTION, &Callbacks::OnOpened) != CURLE_OK ||
      curl_easy_setopt(transfer->easy(), CURLOPT_SOCKOPTDATA, transfer) != CURLE_OK ||
      curl_easy_setopt(transfer->easy(), CURLOPT_CLOSESOCKETFUNCTION, &Callbacks::OnClosed) != CURLE_OK ||
      curl_easy_setopt(transfer->easy(), CURLOPT_CLOSESOCKETDATA, this) != CURLE_OK) {
    return false;
  }
  const TransferId id = transfer->id();
  transfer->connect_timer = loop_->After(transfer->connect_timeout(), [this, id] {
    // libcurl's own limit does not count the time in which a transfer waits for another one's connection.
    const auto found = transfers_.find(id);
    if (found == transfers_.end() || found->second->connected()) return;
    found->second->FinishUnconnected();
    RemoveLater(found->second.get());
    AfterCurl();
  });
  if (transfer->has_silence_limit()) WatchSilence(id);
  ++depth_;
  const CURLMcode code = curl_multi_add_handle(multi_, transfer->easy());
  --depth_;
  return code == CURLM_OK;
}

void CurlTransport::RemoveLater(CurlTransfer* transfer) noexcept {
  if (!std::exchange(transfer->is_removed, true)) to_remove_.push_back(transfer->id());
}

// One timer that looks back when it fires, instead of one that every byte sets anew.
void CurlTransport::WatchSilence(TransferId id) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end()) return;
  CurlTransfer* const transfer = found->second.get();
  const int socket = transfer->may_be_sending() ? SocketOf(*transfer) : -1;
  const auto left = transfer->SilenceLeft(std::chrono::steady_clock::now(), socket);
  if (left.count() > 0) {
    transfer->silence_timer = loop_->After(transfer->NextLook(left), [this, id] { WatchSilence(id); });
    return;
  }
  transfer->silence_timer = 0;
  transfer->FinishWithSilence();
  RemoveLater(transfer);
  AfterCurl();
}

// libcurl does not say which one it is while the transfer runs, but from which port.
int CurlTransport::SocketOf(const CurlTransfer& transfer) const {
  const long port = transfer.local_port();
  const auto found = std::find_if(sockets_.begin(), sockets_.end(),
                                  [&](const auto& entry) { return port != 0 && LocalPort(entry.first) == port; });
  return found == sockets_.end() ? -1 : found->first;
}

void CurlTransport::DropIdle() {
  std::vector<int> used;
  for (const auto& [id, transfer] : transfers_) used.push_back(SocketOf(*transfer));
  for (const auto& [fd, socket] : sockets_) {
    if (transfers_.count(socket.opener) != 0) continue;  // it may still be being connected
    // libcurl looks whether a connection has ended before it uses it again.
    if (std::find(used.begin(), used.end(), fd) == used.end()) CutConnection(fd);
  }
}

void CurlTransport::Cancel(TransferId id) noexcept {
  const auto it = transfers_.find(id);
  if (it == transfers_.end()) return;
  it->second->Cancel();
  RemoveLater(it->second.get());
}

void CurlTransport::Remove(TransferId id) {
  const auto it = transfers_.find(id);
  if (it == transfers_.end()) return;
  loop_->CancelTimer(it->second->silence_timer);
  loop_->CancelTimer(it->second->connect_timer);
  ++depth_;
  curl_multi_remove_handle(multi_, it->second->easy());  // harmless if it was never added
  --depth_;
  if (auto handle = it->second->TakeHandle()) idle_.Put(std::move(handle));
  transfers_.erase(it);
}

void CurlTransport::Pause(TransferId id) {
  const auto it = transfers_.find(id);
  if (it != transfers_.end()) it->second->Pause();
}

void CurlTransport::Resume(TransferId id) {
  const auto it = transfers_.find(id);
  if (it == transfers_.end() || !it->second->Resume()) return;
  to_resume_.push_back(id);
}

void CurlTransport::ReadFinished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    const CURLcode code = message->data.result;
    RemoveLater(transfer);
    transfer->Finish(code);
  }
}

}  // namespace warppool::internal
