#!/usr/bin/env python3
"""examples/monitor in a pseudo-terminal: what it draws, and that it leaves the terminal as it was.

    monitor_terminal_test.py MONITOR
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"
HOME = b"\x1b[H"
PATIENCE = 45  # seconds; only when something is wrong. Less than the slowest drawing asked for below


class Terminal:
    """The program with a terminal of its own."""

    def __init__(self, *arguments, columns=100, rows=24, **environment):
        variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG")}
        variables.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
        self.output = b""
        self.end = None
        self.parent, self.child = pty.openpty()
        self.resize(columns, rows)
        self.settings = termios.tcgetattr(self.child)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.child, termios.TIOCSCTTY, 0)
            for descriptor in (0, 1, 2):
                os.dup2(self.child, descriptor)
            os.close(self.parent)
            os.execve(sys.argv[1], [sys.argv[1], *arguments], variables)

    def resize(self, columns, rows):
        fcntl.ioctl(self.child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, wanted):
        """Reads on until `wanted` says yes to what came."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(self.output):
            if time.monotonic() > deadline:
                raise AssertionError("it never came; the last of the output: %r" % self.output[-3000:])
            if select.select([self.parent], [], [], 0.1)[0]:
                self.output += os.read(self.parent, 65536)
            elif self.end is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.end = os.waitstatus_to_exitcode(status)
            else:
                assert wanted(self.output), "it ended with %s: %r" % (self.end, self.output[-3000:])

    def wait(self):
        """Reads to the end, and looks whether the terminal is as it was."""
        self.read(lambda output: self.end is not None)
        assert self.end == 0, "exit code %s" % self.end
        assert termios.tcgetattr(self.child) == self.settings, "the terminal's settings are not restored"
        assert self.output.count(ENTER) == self.output.count(LEAVE) > 0
        after = self.output.rpartition(LEAVE)[2]
        assert self.output.rfind(SHOW) > self.output.rfind(HIDE) >= 0, "the cursor is hidden"
        assert self.output.rfind(b"\x1b[?7h") > self.output.rfind(b"\x1b[?7l") >= 0, "lines do not wrap any more"
        assert b"demo-token" not in self.output and b"eyJ" not in self.output, "a secret is on the screen"
        os.close(self.parent)
        os.close(self.child)
        return after.decode()


def frames(output):
    """What was drawn, screen by screen; without the last one, of which a part may be missing."""
    screens = output.partition(LEAVE)[0].split(HOME)
    return [screen.decode() for screen in screens[1:-1]]


def lines(screen):
    return re.split("\r+\n", screen)  # the terminal adds a carriage return


def rows(screen):
    return [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in lines(screen)]


def drawn(count):
    return lambda output: len(frames(output)) >= count


def draws_in_place():
    terminal = Terminal("--demo", "--speed", "6", "--interval", "50")
    terminal.read(lambda output: any("\x1b[31mdisabled" in screen and "×" in screen for screen in frames(output)))
    assert termios.tcgetattr(terminal.child)[3] & termios.ECHO == 0, "keys are echoed"
    os.write(terminal.parent, b"\x03")
    after = terminal.wait()
    assert "7 ready" in after and "\x1b[?" not in after, after

    screens = frames(terminal.output)
    last = rows(screens[-1])
    assert last[0].startswith("warppool monitor, demo"), last
    assert any(line.startswith("PERSONAL  expires") and "by hand" in line for line in last), last
    assert any(re.match(r"SHARED +slow +ready", line) for line in last), last
    assert any(re.match(r"\d\d:\d\d:\d\d expires +disabled", line) for line in last), last
    assert "\x1b[32mready" in screens[-1]
    for screen in screens:
        assert screen.endswith("\x1b[J"), repr(screen[-20:])  # nothing of an earlier screen is left below
        assert len(rows(screen)) <= 24
        assert all(len(line) < 100 for line in rows(screen)), rows(screen)
        assert all(line.endswith("\x1b[K") for line in lines(screen[:-3]))
    assert "\x1b[2J" not in "".join(screens), "clearing the whole screen flickers"


def follows_the_size():
    terminal = Terminal("--demo", "--interval", "60000")
    terminal.read(lambda output: HOME in output and output.endswith(b"\x1b[J"))
    # The signal alone makes it draw again.
    terminal.resize(40, 8)
    terminal.read(lambda output: output.count(HOME) == 2 and output.endswith(b"\x1b[J"))
    small = rows(terminal.output.rpartition(HOME)[2].decode())
    assert len(small) <= 8 and all(len(line) < 40 for line in small), small
    assert any("more" in line for line in small), small
    os.write(terminal.parent, b"q")
    terminal.wait()


def speaks_plainly():
    terminal = Terminal("--demo", "--speed", "6", "--interval", "50", NO_COLOR="1", LC_ALL="C")
    terminal.read(lambda output: re.search(rb" x|x ", output) and drawn(3)(output))
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.wait()
    screens = "".join(frames(terminal.output))
    assert screens.isascii()
    assert not re.search(r"\x1b\[\d+m", screens), "colours, in spite of NO_COLOR"

    terminal = Terminal("--demo", "--speed", "6", "--interval", "50", "--colour", NO_COLOR="1")
    terminal.read(lambda output: b"\x1b[32mready" in output)
    os.kill(terminal.pid, signal.SIGINT)
    terminal.wait()


def can_be_suspended():
    terminal = Terminal("--demo", "--speed", "6", "--interval", "50")
    terminal.read(drawn(2))
    os.kill(terminal.pid, signal.SIGTSTP)
    pid, status = os.waitpid(terminal.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    terminal.read(lambda output: output.endswith(LEAVE))
    assert termios.tcgetattr(terminal.child) == terminal.settings
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.read(lambda output: output.count(ENTER) == 2 and HOME in output.rpartition(ENTER)[2])
    os.kill(terminal.pid, signal.SIGINT)
    terminal.wait()


def lines_where_they_are_asked_for():
    for arguments, environment in ((["--plain"], {}), ([], {"TERM": "dumb"})):
        terminal = Terminal("--demo", *arguments, **environment)
        terminal.read(lambda output: b"pool ready=" in output)
        os.kill(terminal.pid, signal.SIGINT)
        terminal.read(lambda output: terminal.end is not None)
        assert terminal.end == 0
        assert b"\x1b" not in terminal.output, terminal.output


for scenario in (draws_in_place, follows_the_size, speaks_plainly, can_be_suspended, lines_where_they_are_asked_for):
    scenario()
    print(scenario.__name__ + ": ok")
