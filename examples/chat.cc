// A chat in the terminal that goes on where it ended: the conversation is kept in a file.
//
//   chat [--env FILE] [CONVERSATION]
//
// Without a configuration a stand-in in this process answers, with an echo.
#include <poll.h>
#include <unistd.h>
#include <warppool/client.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chat_file.h"
#include "chat_printer.h"
#include "setup.h"
#include "signal_pipe.h"

namespace {

using std::chrono::milliseconds;

constexpr const char* kHelp =
    "usage: chat [--env FILE] [CONVERSATION]\n"
    "\n"
    "A chat with the agent. Each line is a question. The conversation is kept in the file CONVERSATION, by default\n"
    "chat.warppool, and goes on when the chat is started again. What was said is in that file, in the clear.\n"
    "\n"
    "  /history  what was said so far\n"
    "  /usage    what it cost so far\n"
    "  /new      begin another conversation; the old one's file gets a number\n"
    "  /quit     end, as the end of the input does\n"
    "  Ctrl-C    cancel the answer that comes; at the prompt: end\n"
    "\n"
    "  --env FILE  read this file beside the environment; default: .env in the current folder, if there is one\n"
    "  --help      this text\n"
    "\n"
    "Exit code: 0 it was ended, 1 the last answer failed or the file cannot be written, 2 it cannot begin.\n";

// Lines of the standard input, and the signals that interrupt whatever is going on.
class Input {
 public:
  enum class News { kReady, kInterrupted };

  // Until `descriptor` is readable, or a signal comes.
  News WaitFor(int descriptor) {
    std::array<pollfd, 2> watched{{{signals_.descriptor(), POLLIN, 0}, {descriptor, POLLIN, 0}}};
    while (poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) continue;
    const int signal = watched[0].revents != 0 ? signals_.Take() : 0;
    ended_ = ended_ || signal == SIGTERM;
    return signal != 0 ? News::kInterrupted : News::kReady;
  }

  // Nothing: the end of the input, or a signal.
  std::optional<std::string> ReadLine() {
    while (!ended_) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        return line;
      }
      if (WaitFor(STDIN_FILENO) == News::kInterrupted) return std::nullopt;
      std::array<char, 4096> bytes{};
      const ssize_t got = read(STDIN_FILENO, bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0 && buffer_.empty()) return std::nullopt;
      if (got <= 0) return std::exchange(buffer_, {});  // a last line without an end
      buffer_.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return std::nullopt;
  }

 private:
  example::SignalPipe signals_{SIGINT, SIGTERM};
  std::string buffer_;
  bool ended_ = false;  // by SIGTERM: what comes after the answer is not read any more
};

class Chat {
 public:
  Chat(Input* input, warppool::Client* client, warppool::Conversation conversation, std::string path)
      : input_(*input),
        client_(*client),
        conversation_(std::move(conversation)),
        path_(std::move(path)),
        on_terminal_(isatty(STDOUT_FILENO) == 1),
        printer_(&std::cout, &std::cerr, on_terminal_) {}

  // Until the end of the input; false: the last answer failed, or could not be saved.
  bool Run() {
    for (;;) {
      if (on_terminal_) std::cout << "> " << std::flush;
      const auto line = input_.ReadLine();
      if (!line || *line == "/quit") {
        if (!line && on_terminal_) std::cout << "\n";
        return went_well_;
      }
      if (line->empty()) continue;
      if (line->front() == '/') {
        Command(*line);
      } else {
        went_well_ = Ask(*line);
      }
    }
  }

 private:
  void Command(const std::string& line) {
    if (line == "/history") {
      ShowHistory();
    } else if (line == "/usage") {
      ShowUsage();
    } else if (line == "/new") {
      BeginAnother();
    } else {
      std::cerr << "There is no " << line << "; there are /history, /usage, /new and /quit.\n";
    }
  }

  bool Ask(const std::string& question) {
    const warppool::Status answered = Stream(question);
    printer_.Finish();
    if (answered.code() == warppool::Code::kCancelled) {
      std::cerr << "[cancelled; what came so far is part of the conversation]\n";
    } else if (!answered.ok()) {
      std::cerr << answered.ToString() << "\n";
    }
    // Whatever became of the answer: what the agent did is part of the conversation.
    const warppool::Status saved = chat::SaveFile(conversation_, path_);
    if (!saved.ok()) std::cerr << "Not saved: " << saved.message() << "\n";
    return saved.ok() && (answered.ok() || answered.code() == warppool::Code::kCancelled);
  }

  warppool::Status Stream(const std::string& question) {
    auto stream = client_.Start(warppool::Request(question), conversation_);
    if (!stream.ok()) return stream.status();
    const auto descriptor = (*stream)->Descriptor();
    if (!descriptor.ok()) return descriptor.status();
    for (;;) {
      if (input_.WaitFor(*descriptor) == Input::News::kInterrupted) (*stream)->Cancel();
      const auto event = (*stream)->Next(milliseconds(0));
      if (event.ok()) {
        printer_.Show(*event);
      } else if (event.code() != warppool::Code::kTimeout) {
        return event.code() == warppool::Code::kEnd ? warppool::Status() : event.status();
      }
    }
  }

  void ShowHistory() const {
    for (const warppool::MessageInfo& message : conversation_.Messages()) {
      if (message.kind == warppool::MessageKind::kUserQuery) std::cout << "> " << message.text << "\n";
      if (message.kind == warppool::MessageKind::kAgentOutput) std::cout << message.text << "\n";
    }
    std::cout << std::flush;
  }

  void ShowUsage() const {
    const warppool::Usage usage = conversation_.usage();
    std::cout << usage.input_tokens << " tokens in, " << usage.output_tokens << " out; " << usage.credits
              << " credits; " << static_cast<int>(usage.context_window_usage * 100) << " % of the context window\n"
              << std::flush;
  }

  void BeginAnother() {
    const auto aside = chat::PutAside(path_);
    if (!aside.ok()) {
      std::cerr << "The old conversation stays: " << aside.status().message() << "\n";
      return;
    }
    conversation_ = warppool::Conversation();
    std::cerr << "[a new conversation" << (aside->empty() ? "" : "; the old one is in " + *aside) << "]\n";
  }

  Input& input_;
  warppool::Client& client_;
  warppool::Conversation conversation_;
  const std::string path_;
  const bool on_terminal_;
  chat::Printer printer_;
  bool went_well_ = true;
};

int Run(const std::string& env_file, const std::string& path) {
  Input input;
  auto conversation = chat::LoadFile(path);  // first of all: without it there is nothing to go on with
  if (!conversation.ok()) {
    std::cerr << "The conversation cannot be read, and stays as it is: " << conversation.status().message() << "\n";
    return 2;
  }
  const auto setup = example::MakeSetup(env_file);
  if (!setup.ok()) {
    std::cerr << "The configuration cannot be used: " << setup.status().ToString() << "\n";
    return 2;
  }
  // Slow enough to be seen coming in.
  if (setup->stand_in) setup->stand_in->On(setup->token).Agent(loopback::Ok().Gap(milliseconds(20)));
  auto client = warppool::Client::Create(setup->config);
  if (!client.ok()) {
    std::cerr << "No client can be made: " << client.status().ToString() << "\n";
    return 2;
  }
  std::cerr << setup->description << "\n";
  if (const auto messages = conversation->Messages().size(); messages > 0) {
    std::cerr << path << " goes on: " << messages << " messages so far.\n";
  }
  return Chat(&input, client->get(), *std::move(conversation), path).Run() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments == std::vector<std::string>{"--help"}) {
    std::cout << kHelp;
    return 0;
  }
  std::string env_file;
  if (arguments.size() >= 2 && arguments[0] == "--env") {
    env_file = arguments[1];
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (arguments.size() > 1 || (!arguments.empty() && (arguments[0].empty() || arguments[0][0] == '-'))) {
    std::cerr << kHelp;
    return 2;
  }
  try {
    return Run(env_file, arguments.empty() ? "chat.warppool" : arguments[0]);
  } catch (const std::exception& error) {  // no port for the stand-in of the service
    std::cerr << error.what() << "\n";
    return 2;
  }
}
