// Shows the pool live in a terminal: how each token is, since when and why, and what happens to it.
//
//   monitor --demo          a service on this machine, whose tokens get into trouble and recover within a minute
//   monitor [--env FILE]    your own tokens, seen by a client that sends only health checks
#include <warppool/client.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "monitor_demo.h"
#include "monitor_flags.h"
#include "monitor_plain.h"
#include "monitor_terminal.h"
#include "monitor_view.h"

namespace {

using monitor::DemoService;
using monitor::DemoTraffic;
using monitor::Flags;
using monitor::Picture;
using monitor::Remark;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::size_t kRemarksKept = 20;  // and what is not written yet
constexpr std::size_t kBeatsKept = 40;
constexpr int kTicksBetweenPoolLines = 10;

// What the pool tells, in whatever thread, for the one that draws.
class Feed {
 public:
  void Note(const warppool::PoolEvent& event) {
    if (!monitor::IsNews(event)) return;
    const std::lock_guard lock(mutex_);
    remarks_.push_back(monitor::MakeRemark(event));
  }
  std::vector<Remark> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(remarks_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Remark> remarks_;
};

// Checks the tokens actively now and then, until it is destroyed; that closes the client, which must live longer.
class Checks {
 public:
  Checks(warppool::Client* client, std::chrono::seconds every)
      : client_(client), every_(every), thread_([this] { Run(); }) {}
  ~Checks() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    (void)client_->Close(milliseconds(0));
    thread_.join();
  }
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

 private:
  void Run() {
    for (;;) {
      warppool::HealthCheckOptions active;
      active.active = true;
      (void)client_->CheckHealth(active);  // what it finds is told by the pool
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, every_, [this] { return stopped_; })) return;
    }
  }

  warppool::Client* const client_;
  const std::chrono::seconds every_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::thread thread_;  // last: it uses the others
};

// Whoever reads `path` finds all of it, or what was there before. The other name is not "*.prom", so that no collector
// reads it half.
bool ReplaceFile(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp";
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return false;
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  return !error;
}

class Monitor {
 public:
  Monitor(const Flags& flags, const warppool::Client* client, Feed* feed, std::vector<std::string> title)
      : flags_(flags), client_(client), feed_(feed), title_(std::move(title)) {
    const char* const no_colour = std::getenv("NO_COLOR");
    style_.colour = flags.colour.value_or(no_colour == nullptr || *no_colour == '\0');
    style_.utf8 = monitor::UsesUtf8();
    on_screen_ = !flags.plain && monitor::IsTerminal();
  }

  // Until a signal, a key or the time ends it; false: it could not go on.
  bool Run(monitor::Signals* signals) {
    if (on_screen_) screen_.emplace();
    const bool went_well = Loop(signals);
    screen_.reset();
    return went_well;
  }

  // What is left to say when the client is closed.
  bool Conclude(bool has_store) {
    const Picture picture = Look();
    std::vector<std::string> lines;
    if (on_screen_) {
      lines =
          monitor::Draw(picture, history_, {monitor::TerminalSize().columns, std::numeric_limits<int>::max()}, style_);
    } else {
      lines = NewLines(picture);
      for (std::string& line : monitor::Summary(picture, style_)) lines.push_back(std::move(line));
    }
    if (!has_store) {
      for (const std::string& name : rotated_) {
        lines.push_back("note: the service replaced the refresh token of " + monitor::Printable(name, style_) +
                        ", and there is no WARP_STATE_FILE to keep it in; if the old one is refused, log in again");
      }
    }
    return WriteLines(lines);
  }

 private:
  bool Loop(monitor::Signals* signals) {
    using News = monitor::Signals::News;
    const auto end =
        flags_.end_after.count() > 0 ? steady_clock::now() + flags_.end_after : steady_clock::time_point::max();
    for (;;) {
      const auto next = std::min(end, steady_clock::now() + flags_.interval);
      const Picture picture = Look();
      history_.Note(picture.stats);
      if (!Show(picture)) return false;
      if (!flags_.metrics_file.empty() && !ReplaceFile(flags_.metrics_file, picture.stats.ToPrometheus())) {
        screen_.reset();
        std::cerr << flags_.metrics_file << " cannot be written\n";
        return false;
      }
      News news = News::kNone;
      while ((news = signals->WaitUntil(next, screen_.has_value())) != News::kNone) {
        if (news == News::kEnd) return true;
        if (news == News::kSuspend) Suspend();
        if (screen_ && !Show(picture)) return false;
      }
      if (next == end) return true;
    }
  }

  Picture Look() {
    // The pool first: looking at it is what makes it notice that a rest is over, and tell.
    Picture picture{title_, client_->Pool(), client_->Statistics(), {}, system_clock::now()};
    for (Remark& remark : feed_->Take()) {
      if (remark.kind == warppool::PoolEventKind::kRotated) rotated_.insert(remark.token);
      remarks_.push_back(std::move(remark));
      if (!on_screen_) ++unsaid_;
    }
    while (remarks_.size() > std::max(kRemarksKept, unsaid_)) remarks_.pop_front();
    picture.remarks.assign(remarks_.begin(), remarks_.end());
    return picture;
  }

  bool Show(const Picture& picture) {
    if (!screen_) return WriteLines(NewLines(picture));
    monitor::Size size = monitor::TerminalSize();
    --size.columns;  // a cursor behind the last column makes some terminals clear that
    return screen_->Show(monitor::Draw(picture, history_, size, style_));
  }

  std::vector<std::string> NewLines(const Picture& picture) {
    std::vector<std::string> lines;
    if (ticks_ == 0) {
      for (const std::string& line : picture.title) lines.push_back(monitor::Printable(line, style_));
    }
    for (std::size_t i = picture.remarks.size() - unsaid_; i < picture.remarks.size(); ++i) {
      lines.push_back(monitor::EventLine(picture.remarks[i], style_));
    }
    unsaid_ = 0;
    for (std::string& line : states_.Changes(picture, style_)) lines.push_back(std::move(line));
    if (ticks_++ % kTicksBetweenPoolLines == 0) lines.push_back(monitor::PoolLine(picture, style_));
    return lines;
  }

  static bool WriteLines(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return monitor::Write(text);
  }

  void Suspend() {
    if (screen_) {
      screen_->Suspend();
    } else {
      raise(SIGSTOP);
    }
  }

  const Flags& flags_;
  const warppool::Client* const client_;
  Feed* const feed_;
  const std::vector<std::string> title_;
  monitor::Style style_;
  bool on_screen_ = false;
  std::optional<monitor::Screen> screen_;
  monitor::History history_{kBeatsKept};
  monitor::StateWatch states_;
  std::deque<Remark> remarks_;
  std::size_t unsaid_ = 0;  // of them, the newest: plain lines are to be written for these
  int ticks_ = 0;
  std::set<std::string> rotated_;
};

std::vector<std::string> TitleOf(const Flags& flags, const warppool::Config& config) {
  if (flags.demo) {
    return {
        "warppool monitor, demo: a service on this machine answers, and its tokens get into trouble. Ctrl-C ends it."};
  }
  std::vector<std::string> title{"warppool monitor: " + (flags.env_file.empty() ? "" : flags.env_file + " and ") +
                                 "the environment, with " + config.server_url};
  if (flags.check_every.count() == 0) {
    title.push_back("Nothing is sent: this shows what is configured and stored.");
  } else {
    title.push_back("Every " + std::to_string(flags.check_every.count()) +
                    " s the tokens are checked: exchanges and quota queries, no credits; the agent is asked nothing.");
  }
  return title;
}

warppool::Result<warppool::Config> Load(const std::string& env_file) {
  warppool::LoadOptions options;
  options.env_file = env_file;
  options.log = [](const warppool::LogRecord& record) {
    if (record.level >= warppool::LogLevel::kWarning) std::cerr << "warning: " << record.message << "\n";
  };
  return warppool::LoadConfig(options);
}

int Run(const Flags& flags) {
  monitor::Signals signals;  // before there is any thread
  std::unique_ptr<DemoService> demo = flags.demo ? std::make_unique<DemoService>(flags.speed) : nullptr;
  const auto config = demo ? demo->MakeConfig() : Load(flags.env_file);
  if (!config.ok()) {
    std::cerr << "The configuration cannot be used: " << config.status().ToString() << "\n";
    return 2;
  }

  Feed feed;
  warppool::ClientOptions options;
  options.on_pool_event = [&feed, script = demo ? demo->script() : nullptr](const warppool::PoolEvent& event) {
    feed.Note(event);
    if (script != nullptr) script->OnEvent(event);
  };
  const auto client = warppool::Client::Create(*config, options);
  if (!client.ok()) {
    std::cerr << "No client can be made: " << client.status().ToString() << "\n";
    return client.status().code() == warppool::Code::kInvalidConfig ? 2 : 1;
  }

  Monitor monitor(flags, client->get(), &feed, TitleOf(flags, *config));
  bool went_well = false;
  {
    std::optional<DemoTraffic> traffic;
    std::optional<Checks> checks;
    if (demo) {
      traffic.emplace(client->get(), demo->script(), flags.speed);
    } else if (flags.check_every.count() > 0) {
      checks.emplace(client->get(), flags.check_every);
    }
    went_well = monitor.Run(&signals);
  }
  return monitor.Conclude(!config->state_file.empty() || flags.demo) && went_well ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto flags = monitor::ParseFlags({argv + 1, argv + argc});
  if (!flags || flags->help) {
    (flags ? std::cout : std::cerr) << monitor::kHelp;
    return flags ? 0 : 2;
  }
  std::error_code unseen;
  if (!flags->demo && flags->env_file.empty() && std::filesystem::exists(".env", unseen)) flags->env_file = ".env";
  try {
    return Run(*flags);
  } catch (const std::exception& error) {  // no port for the demo's service
    std::cerr << error.what() << "\n";
    return 1;
  }
}
