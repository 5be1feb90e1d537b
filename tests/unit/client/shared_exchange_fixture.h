// What the tests of SharedExchange share: exchanges of several processes on one store. Each has an executor that the
// test runs, and a thread for the store.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"
#include "client/shared_exchange.h"
#include "unit/client/records_fixture.h"

namespace warppool::internal {

using namespace std::chrono_literals;

// Works, fails, or hangs until it is let go.
class UnsteadyStore final : public StateStore {
 public:
  explicit UnsteadyStore(std::shared_ptr<FaultyStore> records) : records_(std::move(records)) {}

  Result<std::optional<std::string>> Read(const std::string& key) override {
    if (hangs.exchange(false)) {
      hanging.set_value();
      let_go.get_future().wait();
    }
    if (fails || is_deaf.exchange(false)) return Status(Code::kInternal, "no disk");
    return records_->Read(key);
  }
  Status Write(const std::vector<StateChange>& changes, StateDurability durability) override {
    if (fails) return Status(Code::kInternal, "no disk");
    is_deaf = forgets_writes > 0;
    if (!is_deaf) return records_->Write(changes, durability);
    --forgets_writes;
    static_cast<void>(records_->Write(changes, durability));
    return {Code::kInternal, "no line"};
  }

  Result<bool> Commit(const std::vector<StateChange>& changes, StateDurability durability) override {
    if (conflicts > 0) {
      --conflicts;
      return false;
    }
    return StateStore::Commit(changes, durability);
  }

  std::atomic<bool> fails{false};
  std::atomic<int> conflicts{0};       // so many times somebody comes between
  std::atomic<int> forgets_writes{0};  // so many are made, and it fails, until it is written to again
  std::atomic<bool> is_deaf{false};
  std::atomic<bool> hangs{false};
  std::promise<void> hanging;
  std::promise<void> let_go;

 private:
  const std::shared_ptr<FaultyStore> records_;
};

// One process, with one token.
class ExchangeSharer final : private StoredExchangesObserver {
 public:
  ExchangeSharer(std::shared_ptr<FaultyStore> records, FakeClock* clock, std::uint64_t number,
                 std::string_view configured = "fake-0")
      : store(std::make_shared<UnsteadyStore>(std::move(records))),
        executor(clock),
        token(Process::NewToken(configured)),
        clock_(clock),
        number_(number) {}
  ~ExchangeSharer() override { worker_.Close(); }

  void Acquire() {
    answer.reset();
    exchange_.Acquire(token, [this](const auto& admission) { answer = admission; });
    Settle();
  }
  void Keep(const std::string& sent, const std::string& got, const std::string& jwt = "") {
    Issuance issued{Secret(got), sent != got};
    if (!jwt.empty()) {
      issued.jwt = std::make_shared<const Jwt>(MakeJwt(Secret(jwt), 3600s, clock_->Steady(), clock_->Wall()));
    }
    kept = false;
    exchange_.Keep(token, Secret(sent), issued, [this] { kept = true; });
    Settle();
  }
  void Judge(const std::string& sent) {
    answer.reset();
    exchange_.Judge(token, Secret(sent), [this](const auto& admission) { answer = admission; });
    Settle();
  }
  void Release() {
    exchange_.Release(token);
    Settle();
  }
  void Close() {
    InStore([this] { exchange_.exchanges().Close(); });
  }
  void Forget() {
    InStore([this] { exchange_.exchanges().Forget(token.get()); });
  }
  void Review() {
    InStore([this] { exchange_.exchanges().Review(); });
  }
  void NoteRevoked() {
    InStore([this] { exchange_.exchanges().NoteRevoked(token); });
  }

  // Time passes for this process.
  void Advance(std::chrono::milliseconds by) {
    for (; by > 0ms; by -= 50ms) {
      executor.Advance(std::min(by, 50ms));
      Settle();
    }
  }
  // Until the store's thread has nothing to do, unless it hangs, and neither has the executor.
  void Settle() {
    for (int i = 0; i < 3; ++i) {
      if (!is_hanging) InStore([] {});
      executor.RunPosted();
    }
  }
  // What was answered, and what is to be sent.
  std::string Answer() const {
    if (!answer) return "nothing yet";
    if (!answer->ok()) return answer->status().ToString();
    const ExchangeAdmission& admission = **answer;
    using Kind = ExchangeAdmission::Kind;
    switch (admission.kind) {
      case Kind::kSend:
        return "send " + std::string(admission.credential.Reveal());
      case Kind::kUseJwt:
        return "use " + std::string(admission.jwt->text.Reveal());
      case Kind::kHeld:
        return "held";
      case Kind::kInDoubt:
        return "in doubt";
      case Kind::kRevoked:
        return "revoked";
    }
    return "";
  }

  const std::shared_ptr<UnsteadyStore> store;
  FakeExecutor executor;
  const std::shared_ptr<Token> token;
  std::optional<Result<ExchangeAdmission>> answer;
  bool kept = false;
  bool is_hanging = false;  // the store's thread is not to be awaited
  int failures = 0;
  int lifted = 0;

 private:
  void OnStoreFailed(const std::shared_ptr<const Token>&, const Status&) override { ++failures; }
  void OnLifted(const std::shared_ptr<Token>&) override { ++lifted; }

  void InStore(const std::function<void()>& task) {
    std::promise<void> done;
    worker_.Post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  FakeClock* const clock_;
  const std::uint64_t number_;
  LoginRecords logins_{store, [this](const LoginCredentials&, const Status&) { ++failures; }};
  Worker worker_;
  SharedExchange exchange_{
      {5s, 60s, {30s, [this] { return number_; }, 1h, 1h}}, &logins_, this, &executor, &worker_, *clock_, *clock_};
};

struct TwoSharers {
  StoredToken Record() { return Process(records, "fake-0").FindIt(); }

  std::shared_ptr<FaultyStore> records = NewStore();
  FakeClock clock;
  ExchangeSharer a{records, &clock, 101};
  ExchangeSharer b{records, &clock, 102};
};

}  // namespace warppool::internal
