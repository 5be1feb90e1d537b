#!/usr/bin/env python3
"""Holds the documents to what they speak of. Without an argument it only looks, and ends with 1 if something is wrong.

    tests/docs.py            every check below
    tests/docs.py --update   writes the generated cells anew, then checks

1. A table between "<!-- table: KIND ... -->" and "<!-- end -->" has a row for each option, code, outcome or event that
   the headers and src/config declare, in their order; names, numbers and defaults are generated, and in English the
   meaning of codes and outcomes, too. All other cells are written by hand and kept, row by row. An empty one is an error.
2. What stands in backquotes and looks like a function of the C API, or like a variable, exists.
   Each function of the C API has a comment. Each option of the build is in cmake/README.md.
3. Every relative link leads to a file, and its anchor to a heading of it.
4. A document and its translation have the same headings (by level), and as many rows, points and pieces of code.
5. The front doors have at most 200 lines, every other document at most 500.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDE = ROOT / "include/warppool"
TRANSLATED = ".zh-CN.md"
problems = []


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def documents():
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not re.match(r"build|\.", path.name)]
    return sorted([*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))])


def problem(path, what):
    problems.append(f"{path.relative_to(ROOT)}: {what}")


# ---- What the sources declare.


def snake(name, between="_"):
    """kOutOfMemory -> out_of_memory"""
    return re.sub(r"(?<!^)(?=[A-Z])", between, name[1:]).lower()


def enum(header, name):
    """[(enumerator, number, comment)] of an enumeration whose comments stand behind the enumerators."""
    body = re.search(rf"enum class {name} : [^{{]*{{(.*?)\n}};", read(header), re.S).group(1)
    items = []
    for line in body.split("\n"):
        declared = re.match(r"  (k\w+) = (\d+),?(?: +// (.*))?$", line)
        continued = re.match(r" {10,}// (.*)$", line)
        if declared:
            items.append([declared.group(1), declared.group(2), declared.group(3) or ""])
        elif continued and items:
            items[-1][2] += " " + continued.group(1)
        elif line.strip() and not line.strip().startswith("//"):
            sys.exit(f"{header}: cannot read this line of {name}: {line}")
    return items


def amount(number):
    return f"{number:,}"


def shown_default(kind, value):
    """How a table shows the initialiser of a field."""
    value = value.replace("'", "")
    if not value:
        return "none"
    if kind.endswith("milliseconds"):
        ms = int(value)
        for unit, size in (("h", 3_600_000), ("s", 1000)):
            if ms % size == 0:
                return f"{ms // size} {unit}"
        return f"{ms} ms"
    if kind.endswith("size_t"):
        number, shift = re.fullmatch(r"(\d+)U << (\d+)", value).groups()
        return f"{int(number) << (int(shift) - 20)} MiB"
    if kind == "bool":
        return {"true": "on", "false": "off"}[value]
    if kind == "Strategy":
        return f"`{snake(value.split('::')[1])}`"
    if kind.startswith("std::vector"):
        return "`" + ",".join(snake(tier.split("::")[1]).upper() for tier in value.split(", ")) + "`"
    if value.startswith('"'):
        return f"`{value[1:-1]}`"
    return amount(int(value))


def config_fields():
    """{field: default as shown} of struct Config, in its order."""
    body = re.search(r"\nstruct Config {\n(.*?)\n};", read("include/warppool/config.h"), re.S).group(1)
    fields = {}
    for line in body.split("\n"):
        code = line.split("//")[0].strip() if '"https:' not in line else line.split(";")[0] + ";"
        if not code.strip():
            continue
        declared = re.fullmatch(r"([\w:<>]+) (\w+)(?: = (.+)|{(.*)})?;", code.strip())
        if not declared:
            sys.exit(f"include/warppool/config.h: cannot read this line of Config: {line}")
        kind, name = declared.group(1), declared.group(2)
        fields[name] = shown_default(kind, declared.group(3) or declared.group(4) or "")
    return fields


def fixed_fields():
    """The fields that Client::Reload() does not change."""
    return set(re.findall(r'compare\("(\w+)"', read("src/config/reload.cc")))


def variables():
    """The environment's variables, wherever src/config names one."""
    found = {}
    for path in sorted((ROOT / "src/config").glob("*.cc"), key=lambda path: (path.name != "token_variables.cc", path.name)):
        for name in re.findall(r'"(WARP_[A-Z_]+|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)"', path.read_text()):
            found.setdefault(name)
    return list(found)


def variants():
    """The alternatives of Event."""
    listed = re.search(r"using Event = std::variant<(.*?)>;", read("include/warppool/event.h"), re.S).group(1)
    return re.findall(r"\w+", listed)


CONFIG = config_fields()
FIXED = fixed_fields()
VARIABLES = variables()
C_HEADER = read("capi/include/warppool.h")

# ---- Tables. For each kind: the keys, and what is generated of a row. A None is written by hand.


def field_row(name, english):
    live = ("new client" if name in FIXED else "yes") if english else ("需新建客户端" if name in FIXED else "可以")
    default = CONFIG[name]
    if not english:
        default = {"none": "无", "on": "开", "off": "关"}.get(default, default)
        default = re.sub(r"^(\d+) (h|s|ms)$", lambda m: f"{m[1]} {dict(h='小时', s='秒', ms='毫秒')[m[2]]}", default)
    return [f"`{name}`", default, live, None]


def variable_row(name, english):
    field = CONFIG.get(name.removeprefix("WARP_").lower(), "none")
    return [f"`{name}`", None, field if field != "none" else None]


def code_row(item, english):
    name, number, comment = item
    constant = "WARPPOOL_" + snake(name).upper()
    if f"  {constant} = {number}" not in C_HEADER:
        problem(ROOT / "capi/include/warppool.h", f"has no {constant} = {number}")
    return [f"`{snake(name)}`", number, comment if english else None]


def outcome_row(item, english):
    return [f"`{snake(item[0])}`", item[2] if english else None]


def pool_event_row(item, english):
    return [f"`{snake(item[0], ' ')}`", None, None]


def event_row(name, english):
    return [f"`{name}`", None, None]


KINDS = {
    "fields": (CONFIG, field_row),
    "variables": (VARIABLES, variable_row),
    "codes": (enum("include/warppool/status.h", "Code"), code_row),
    "outcomes": (enum("include/warppool/outcome.h", "Outcome"), outcome_row),
    "pool-events": (enum("include/warppool/token_pool.h", "PoolEventKind"), pool_event_row),
    "events": (variants(), event_row),
}
TABLE = re.compile(r"<!-- table: ([\w-]+)([^>]*) -->\n(.*?)<!-- end -->", re.S)


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip()[1:-1])]


def regenerate(path, seen):
    """The document with the generated cells as they should be; notes in `seen` which keys its tables have."""
    english = not path.name.endswith(TRANSLATED)

    def table(match):
        kind, listed, body = match.group(1), match.group(2).split(), match.group(3)
        if kind not in KINDS:
            problem(path, f"there is no kind of table called {kind}: {', '.join(KINDS)}")
            return match.group(0)
        items, row_of = KINDS[kind]
        names = [item if isinstance(item, str) else item[0] for item in items]
        for name in listed:
            if name not in names:
                problem(path, f"the table of {kind} lists {name}, which is not declared (any more)")
        wanted = [item for item, name in zip(items, names) if not listed or name in listed]
        seen.setdefault((kind, english), []).extend(name for name in names if not listed or name in listed)
        head, line, *rows = body.rstrip("\n").split("\n")
        by_hand = {cells(row)[0]: cells(row) for row in rows}
        lines = [head, line]
        for item in wanted:
            row = row_of(item, english)
            old = by_hand.get(row[0], [""] * len(row))
            row = [old[i] if cell is None and i < len(old) else cell or "" for i, cell in enumerate(row)]
            if not all(row):
                problem(path, f"the table of {kind} says nothing of {row[0]}: a cell is empty")
            lines.append("| " + " | ".join(row) + " |")
        return f"<!-- table: {kind}{match.group(2)} -->\n" + "\n".join(lines) + "\n<!-- end -->"

    return TABLE.sub(table, path.read_text(encoding="utf-8"))


def check_tables(update):
    seen = {}
    for path in documents():
        text = path.read_text(encoding="utf-8")
        wanted = regenerate(path, seen)
        if wanted == text:
            continue
        if update:
            path.write_text(wanted, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: written anew")
        else:
            for old, new in zip(text.split("\n"), wanted.split("\n")):
                if old != new:
                    problem(path, f"a table is not as the sources say; tests/docs.py --update mends it. It begins at\n"
                            f"    is:     {old}\n    should: {new}")
                    break
    for kind, (items, _) in KINDS.items():
        for english in (True, False):
            where = "English" if english else "Chinese"
            names = [item if isinstance(item, str) else item[0] for item in items]
            has = seen.get((kind, english), [])
            for name in names:
                if has.count(name) != 1:
                    problem(GUIDE / "guide", f"{name} stands {has.count(name)} times in the {where} tables of {kind}, and not "
                            f"once; where \"<!-- table: {kind}\" lists names, name it there, then tests/docs.py --update")


def check_example():
    example = read("examples/.env.example")
    for name in VARIABLES:
        if name not in example:
            problem(ROOT / "examples/.env.example", f"does not have {name}")


def check_c_functions():
    before = ""
    for number, line in enumerate(C_HEADER.split("\n"), 1):
        if line.startswith("WARPPOOL_API") and not before.endswith("*/"):
            problem(ROOT / "capi/include/warppool.h", f"line {number}: a function without a comment before it")
        before = line


def check_build_options():
    declared = set()
    for name in ["CMakeLists.txt", "cmake/Platform.cmake"]:
        declared |= set(re.findall(r"(?:option\(|set\()(\w+)(?= .*(?:\" (?:ON|OFF|\$)|CACHE STRING))", read(name)))
    declared -= {"CMAKE_BUILD_TYPE"}
    listed = set(re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"^\| (`[A-Z].*?) \|", read("cmake/README.md"), re.M))))
    for name in sorted(declared ^ listed):
        problem(ROOT / "cmake/README.md", f"{name} is {'not in its table' if name in declared else 'no option (any more)'}")


# ---- Names, links, translations, lengths.


def without_code(text):
    """The text with each line of a piece of code emptied."""
    inside = False
    lines = []
    for line in text.split("\n"):
        fence = line.startswith("```")
        lines.append("" if inside or fence else line)
        inside ^= fence
    return "\n".join(lines)


def check_names(path, text):
    for name in set(re.findall(r"`(warppool_[a-z_]+)\(\)`", text)):
        if not re.search(rf"\b{name}\(", C_HEADER):
            problem(path, f"{name}() is not in the C header")
    for name in set(re.findall(r"\bWARP_[A-Z_]+[A-Z]\b", text)):
        if name not in VARIABLES:
            problem(path, f"{name} is no variable that src/config reads")


def anchors(path):
    """The anchors that GitHub gives the headings of a document."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", without_code(path.read_text(encoding="utf-8")), re.M):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        number = 0
        while (anchor if number == 0 else f"{anchor}-{number}") in found:
            number += 1
        found.add(anchor if number == 0 else f"{anchor}-{number}")
    return found


def links(text):
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", without_code(text)))


def check_links(path, text):
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists():
            problem(path, f"the link {link} leads nowhere")
        elif target.is_dir():
            problem(path, f"the link {link} leads to a folder; name its README.md")
        elif anchor and anchor not in anchors(target):
            problem(path, f"the link {link}: {target.relative_to(ROOT)} has no such heading")


def outline(text):
    plain = without_code(text)
    return {
        "headings": [len(marks) for marks in re.findall(r"^(#+) ", plain, re.M)],
        "rows of tables": len(re.findall(r"^\|", plain, re.M)),
        "pieces of code": text.count("\n```"),
        "points of lists": len(re.findall(r"^- ", plain, re.M)),
    }


def check_translation(path, text):
    twin = path.with_name(path.name.removesuffix(".md") + TRANSLATED)
    if path.name.endswith(TRANSLATED):
        if not path.with_name(path.name.removesuffix(TRANSLATED) + ".md").exists():
            problem(path, "translates nothing")
        return
    if not twin.exists():
        if GUIDE in path.parents or path == ROOT / "README.md":
            problem(path, f"is not translated: there is no {twin.name}")
        return
    ours, theirs = outline(text), outline(twin.read_text(encoding="utf-8"))
    for part, count in ours.items():
        if theirs[part] != count:
            problem(twin, f"its {part} are not those of {path.name}: {theirs[part]} instead of {count}")


def main():
    if sys.argv[1:] not in ([], ["--update"]):
        sys.exit(__doc__)
    check_tables(update=bool(sys.argv[1:]))
    check_example()
    check_c_functions()
    check_build_options()
    for path in documents():
        text = path.read_text(encoding="utf-8")
        check_names(path, text)
        check_links(path, text)
        check_translation(path, text)
        most = 200 if path.parent == ROOT and path.name.startswith("README") else 500
        if len(text.splitlines()) > most:
            problem(path, f"has {len(text.splitlines())} lines, more than {most}")
    for line in problems:
        print(line, file=sys.stderr)
    print(f"documents: {len(documents())} looked at, {len(problems)} problem(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
