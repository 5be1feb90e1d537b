#include "chat_printer.h"

#include <chrono>
#include <sstream>
#include <string>

#include "catch.h"

using chat::Printer;
using std::chrono::milliseconds;

namespace {

struct Screen {
  std::ostringstream answer;
  std::ostringstream remarks;
};

}  // namespace

TEST_CASE("messages of an answer come in lines of their own, each in one piece") {
  Screen screen;
  Printer printer(&screen.answer, &screen.remarks, false);
  printer.Show(warppool::TextDelta{"m1", "one, "});
  printer.Show(warppool::TextDelta{"m1", "two"});
  printer.Show(warppool::TextDelta{"m2", "three"});
  printer.Finish();
  CHECK(screen.answer.str() == "one, two\nthree\n");
  CHECK(screen.remarks.str().empty());
}

TEST_CASE("a message that is rewritten is shown again, with a word about it") {
  Screen screen;
  Printer printer(&screen.answer, &screen.remarks, false);
  printer.Show(warppool::TextDelta{"m1", "wrong"});
  printer.Show(warppool::TextReplaced{"m1", "right"});
  printer.Show(warppool::TextDelta{"m1", " it is"});
  printer.Show(warppool::TextReplaced{"m1", "last"});
  printer.Finish();
  CHECK(screen.answer.str() ==
        "wrong\n[the message \"wrong\" was changed; all of it again:]\nright it is\n"
        "[the message \"right it is\" was changed; all of it again:]\nlast\n");
}

TEST_CASE("a message that is taken back is named by its beginning, if it was shown") {
  Screen screen;
  Printer printer(&screen.answer, &screen.remarks, false);
  printer.Show(warppool::MessageRetracted{"task", "never shown", true});
  printer.Show(warppool::TextDelta{"m1", "ääääääääääääääääääääääää\nmore"});
  printer.Show(warppool::MessageRetracted{"task", "m1", true});
  printer.Show(warppool::MessageRetracted{"task", "m1", true});
  printer.Show(warppool::TextDelta{"m2", "better"});
  printer.Finish();
  CHECK(screen.answer.str() ==
        "ääääääääääääääääääääääää\nmore\n[the message \"ääääääääääääääääääää...\" was taken back]\nbetter\n");
}

TEST_CASE("reasoning is shown on a terminal only, dimmed") {
  Screen terminal;
  Screen file;
  for (const bool on_terminal : {true, false}) {
    Screen& screen = on_terminal ? terminal : file;
    Printer printer(&screen.answer, &screen.remarks, on_terminal);
    printer.Show(warppool::ReasoningDelta{"m1", "let me "});
    printer.Show(warppool::ReasoningDelta{"m1", "see"});
    printer.Show(warppool::ReasoningReplaced{"m1", "well"});
    printer.Show(warppool::TextDelta{"m2", "so"});
    printer.Finish();
  }
  CHECK(terminal.answer.str() ==
        "\x1b[2mlet me see\x1b[0m\n[the reasoning was changed; all of it again:]\n\x1b[2mwell\x1b[0m\nso\n");
  CHECK(file.answer.str() == "so\n");
}

TEST_CASE("what an agent says does not control the terminal") {
  Screen screen;
  Printer printer(&screen.answer, &screen.remarks, true);
  printer.Show(warppool::TextDelta{"m1", "a\x1b[31mb\tc\nd\x7f\xc2\x9b ä"});
  printer.Finish();
  CHECK(screen.answer.str() == "a?[31mb\tc\nd?? ä\n");
}

TEST_CASE("how the request fares is told beside the answer, in lines of its own on a terminal") {
  Screen screen;
  Printer printer(&screen.answer, &screen.remarks, true);
  using warppool::NextStep;
  printer.Show(warppool::Waiting{milliseconds(1500), "no token is ready"});
  printer.Show(warppool::AttemptFailed{"T1", warppool::Code::kServerError, "it failed", NextStep::kNextToken, {}});
  printer.Show(warppool::ConversationMoved{"T1", "T2"});
  printer.Show(warppool::TextDelta{"m1", "half"});
  printer.Show(warppool::AttemptFailed{"T2", warppool::Code::kTruncated, "cut", NextStep::kResume, milliseconds(501)});
  printer.Show(warppool::TextDelta{"m2", "the rest"});
  printer.Show(warppool::ToolCall{"task", "m3", "id", "call_mcp_tool", "add", "demo", "{}", ""});
  printer.Show(warppool::UnknownEvent{"", "bytes"});
  printer.Finish();
  CHECK(screen.answer.str() == "half\nthe rest\n");
  CHECK(screen.remarks.str() ==
        "[no token is ready; waiting for at most 1.5 s]\n"
        "[T1: it failed; going on with another token]\n"
        "[the conversation moves from T1 to T2, with its history]\n"
        "[T2: cut; going on with this answer in 0.6 s]\n"
        "[the agent calls add, and a chat has no tools]\n"
        "[the service sent something that this chat does not know]\n");
}
