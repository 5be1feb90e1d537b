"""A ratio, or a difference, beside its goal, in a line."""


def line(what, ratio, goal):
    """`goal`: "at most 2", "at least 1.7", or "reported"."""
    word, _, number = goal.rpartition(" ")
    missed = (word == "at most" and ratio > float(number)) or (word == "at least" and ratio < float(number))
    return f"{what:<45} {ratio:5.2f}   goal: {goal}{'   MISSED in this run' if missed else ''}"


def more(what, nanoseconds, goal):
    """`goal`: the most that it may be."""
    missed = "   MISSED in this run" if nanoseconds > goal else ""
    return f"{what:<45} {nanoseconds:5.0f} ns   goal: at most {goal} ns{missed}"
