#!/usr/bin/env python3
"""Documents against the code: docs_test.py [ROOT]. Prints file:line: rule: text; exits 1 on a finding.

Compared: the tables of ARCHITECTURE.md (records, shared words, edges, kill levels) with the headers that
define them; links, paths, commands and test names of every document with the tree, a test in each row of a
table of tests; what attaching answers with the runbook; conf/pipeline.toml with the other configurations. What cannot be parsed is a finding, never a pass.

Without ROOT it checks this tree and then itself: each mutation of a copy must be found.
"""
import os
import re
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))

RECORDS = ("Tick", "Intent", "Order", "Report", "Event", "Control", "PaperEntry")
PAGES = {  # struct: the header that declares it
    "SegmentHeader": "core/segment_header.hpp", "ControlPage": "core/control_page.hpp",
    "KillPage": "core/kill_page.hpp", "StagePage": "core/stage_page.hpp", "RingMemory": "core/ring.hpp",
    "Slot": "core/ring.hpp", "JournalMemory": "core/journal.hpp",
    "CheckpointMark": "core/checkpoint.hpp", "CheckpointMemory": "core/checkpoint.hpp",
}
HELPERS = {"Lease": "core/control_page.hpp", "Calibration": "core/control_page.hpp",
           "InstrumentEntry": "core/control_page.hpp", "DeathTimes": "core/control_page.hpp",
           "CheckpointMark": "core/checkpoint.hpp"}
CONSTANTS = ("core/types.hpp", "core/levels.hpp", "core/records.hpp", "core/rows.hpp", "core/topology.hpp",
             "core/control_page.hpp")
TYPES = ("core/types.hpp", "core/levels.hpp", "core/records.hpp", "core/segment_header.hpp")
RECORD_BYTES = 56
README_LINES = 40
TOP = ("core", "feed", "strategies", "risk", "gateway", "tools", "bench", "tests", "conf", "cmake")


class Unparsed(Exception):
    """The code or the document does not have the shape this checker knows."""


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def body_after(text, at):
    """The text between the braces that open at or behind `at`."""
    start = text.index("{", at)
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[start + 1:i]
    raise Unparsed("unbalanced braces")


class Code:
    """The layouts, edges and levels that the headers define, read from their text."""

    def __init__(self, root):
        self.root = root
        self.constants = {}
        self.sizes = {"std::uint8_t": (1, 1), "std::uint16_t": (2, 2), "std::uint32_t": (4, 4),
                      "std::uint64_t": (8, 8), "std::int64_t": (8, 8), "char": (1, 1)}
        for path in CONSTANTS:
            self.read_constants(path)
        text = "\n".join(self.text(p) for p in TYPES)
        for name, base in re.findall(r"\benum class (\w+) *: *([\w:]+)", text):
            self.sizes[name] = self.sizes[base]
        for name, base in re.findall(r"\busing (\w+) = (std::u?int\d+_t);", text):
            self.sizes[name] = self.sizes[base]
        for name in re.findall(r"\busing (\w+) = (?:Amount|TimePoint)<", text):
            self.sizes[name] = (8, 8)
        self.sizes["OrderId"] = (8, 8)
        self.sizes["Name"] = (self.constants["kNameLength"], 1)
        for name, path in HELPERS.items():
            self.sizes[name] = self.extent(self.layout(name, path))
        header = self.layout("SegmentHeader", PAGES["SegmentHeader"])
        self.sizes["SegmentHeader"] = self.extent(header)
        self.sizes["Slot"] = (self.constants["kCacheLine"], self.constants["kCacheLine"])
        self.sizes["Statistics"] = (self.statistics_size(), 8)

    def text(self, path):
        try:
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                return file.read()
        except OSError as error:
            raise Unparsed(f"{path}: {error.strerror}") from error

    def read_constants(self, path):
        code = without_comments(self.text(path))
        for name, value in re.findall(r"inline constexpr (?:std::)?\w+ (k\w+) = ([^;]+);", code):
            try:
                self.constants[name] = self.value(value)
            except Unparsed:
                pass  # not a number that layouts need

    def value(self, expression):
        text = re.sub(r"std::size_t\{(\w+)\}", r"\1", expression).replace("'", "")
        text = re.sub(r"\bk\w+", lambda m: str(self.constants.get(m.group(), "?")), text)
        if not re.fullmatch(r"[\d\s+*()<-]+", text):
            raise Unparsed(f"cannot evaluate '{expression}'")
        return int(eval(text, {"__builtins__": {}}))  # digits and operators only

    def statistics_size(self):
        code = without_comments(self.text("core/statistics.hpp"))
        got = dict(re.findall(r"static constexpr \w+(?:::\w+)? (k\w+) = (\d+);", code))
        top, sub = int(got["kTopBit"]), int(got["kSubBits"])
        for name, value in re.findall(r"inline constexpr std::size_t (k\w+) = (\d+);", code):
            self.constants[name] = int(value)
        if "kBuckets = kSub * (kTopBit - kSubBits + 2)" not in code:
            raise Unparsed("core/statistics.hpp: kBuckets has another form")
        histogram = 16 + 8 * (1 << sub) * (top - sub + 2)
        counters, histograms = self.constants["kMaxCounters"], self.constants["kMaxHistograms"]
        name = self.constants["kStatisticName"]
        return 16 + (counters + histograms) * name + 8 * counters + histograms * histogram

    def type_size(self, spelled):
        spelled = spelled.strip()
        match = re.fullmatch(r"std::array<(.+), *(\w+)>", spelled)
        if match:
            size, align = self.type_size(match.group(1))
            return size * self.value(match.group(2)), align
        match = re.fullmatch(r"std::atomic<([\w:]+)>", spelled)
        if match:
            return self.type_size(match.group(1))
        if spelled not in self.sizes:
            raise Unparsed(f"a type of unknown size: {spelled}")
        return self.sizes[spelled]

    def layout(self, name, path):
        """[(offset, size, member, type)] of a struct without virtuals, from its declaration."""
        code = without_comments(self.text(path))
        match = re.search(rf"\bstruct (?:alignas\(\w+\) )?{name} *{{", code)
        if not match:
            raise Unparsed(f"{path}: no struct {name}")
        members, offset, depth, line = [], 0, 0, ""
        for char in body_after(code, match.start()):
            depth += {"{": 1, "}": -1}.get(char, 0)
            if depth == 0 and char in ";}":
                member = self.member(line) if char == ";" else None
                line = ""
                if member:
                    spelled, known, align, size = member
                    offset = (offset + align - 1) // align * align
                    members.append((offset, size, known, spelled))
                    offset += size
            elif depth == 0:
                line += char
        if not members:
            raise Unparsed(f"{path}: struct {name} has no members that can be read")
        return members

    def member(self, line):
        """(type, name, alignment, size) of a data member; None for functions and the like."""
        line = re.sub(r"\b(public|private) *:", "", line)
        line = " ".join(re.sub(r"\[\[\w+\]\]", "", line).split())
        if not line or re.match(r"(static|using|friend|enum|constexpr)\b", line):
            return None
        match = re.fullmatch(r"(?:alignas\((\w+)\) +)?([\w:]+(?:<.+>)?) +(\w+)(?:\[(\w+)\])?(?: *= *.*)?", line)
        if not match:
            if "(" in line:
                return None
            raise Unparsed(f"a member that cannot be read: '{line}'")
        aligned, spelled, name, count = match.groups()
        if spelled in ("return", "struct"):
            return None
        size, align = self.type_size(spelled)
        size *= self.value(count) if count else 1
        return spelled, name, max(align, self.value(aligned) if aligned else 1), size

    @staticmethod
    def extent(members):
        offset, size = members[-1][:2]
        align = 8
        return (offset + size + align - 1) // align * align, align

    def field_names(self, record):
        """Names in Layout<record>::kFields, in order."""
        code = without_comments(self.text("core/records.hpp"))
        at = code.find(f"struct Layout<{record}>")
        if at < 0:
            raise Unparsed(f"core/records.hpp: no Layout<{record}>")
        return re.findall(rf"SLUICE_FIELD\({record}, (\w+),", body_after(code, at))

    def edges(self):
        """[(edge, number, from, to, record, capacity, policy)] with N for the seat."""
        code = without_comments(self.text("core/topology.hpp"))
        numbers = dict(re.findall(r"(\w+) = (\d+)", body_after(code, code.index("enum class Edge"))))
        make = body_after(code, code.index("consteval auto make_topology"))
        rows = re.findall(r"t\[n\+\+\] = {([^}]+)}", make)
        if len(rows) != make.count("t[n++]") or not rows:
            raise Unparsed("core/topology.hpp: a row of make_topology cannot be read")
        seats = {}
        for function, number in re.findall(r"constexpr Edge (\w+)\(SeatIndex s\).*?\((\d+) \+ s\)", code):
            seats[function] = number
        result = []
        for row in rows:
            edge, source, target, record, capacity, policy = [cell.strip() for cell in row.split(",")]
            result.append((*self.edge_of(edge, numbers, seats), self.process_of(source),
                           self.process_of(target), record.split("::")[1], capacity, policy.split("::")[1]))
        return result

    @staticmethod
    def edge_of(text, numbers, seats):
        if text.startswith("Edge::"):
            return text[6:], numbers[text[6:]]
        function = text.split("(")[0]
        if function not in seats:
            raise Unparsed(f"core/topology.hpp: an unknown edge: {text}")
        names = [name for name, number in numbers.items() if number == seats[function]]
        if len(names) != 1:
            raise Unparsed(f"core/topology.hpp: {function} and enum Edge disagree")
        return f"{names[0]} + N", f"{seats[function]} + N"

    @staticmethod
    def process_of(text):
        if text == "seat_process(s)":
            return "seat N"
        if not text.startswith("Process::"):
            raise Unparsed(f"core/topology.hpp: an unknown process: {text}")
        return text[9:].lower()

    def levels(self):
        """{level: (entry, strategy exit, protective exit, cancel)} of allowed()."""
        code = without_comments(self.text("core/records.hpp"))
        body = body_after(code, code.index("constexpr bool allowed("))
        rules = {"true": (1, 1, 1, 1), "false": (0, 0, 0, 0), "what != OrderClass::Entry": (0, 1, 1, 1),
                 "what == OrderClass::Cancel": (0, 0, 0, 1)}
        result, waiting = {}, []
        for case, answer in re.findall(r"case KillLevel::(\w+):(?:\s*return ([^;]+);)?", body):
            waiting.append(case)
            if answer:
                if answer not in rules:
                    raise Unparsed(f"core/records.hpp: allowed() says '{answer}', which is unknown here")
                result.update((level, rules[answer]) for level in waiting)
                waiting = []
        if not result or waiting:
            raise Unparsed("core/records.hpp: allowed() cannot be read")
        return result


class Docs:
    """All checks over one tree; `findings` is what they found."""

    def __init__(self, root):
        self.root = root
        self.findings = []
        self.documents = {}
        for folder, names, files in os.walk(root):
            names[:] = sorted(n for n in names if not n.startswith((".", "build", "__")))
            for name in sorted(files):
                if name.endswith(".md"):
                    path = os.path.relpath(os.path.join(folder, name), root)
                    with open(os.path.join(root, path), encoding="utf-8") as file:
                        self.documents[path] = file.read()
        self.architecture = self.documents.get("ARCHITECTURE.md", "")

    def add(self, path, line, rule, text):
        self.findings.append(f"{path}:{line}: {rule}: {text}")

    def run(self):
        checks = (self.records, self.pages, self.topology, self.levels, self.whole_spans, self.links,
                  self.paths, self.commands, self.tests, self.tested_rows, self.refusals, self.configuration,
                  self.readmes, self.conditions)
        for check in checks:
            try:
                if check in (self.records, self.pages, self.topology, self.levels):
                    check(Code(self.root))
                else:
                    check()
            except (Unparsed, ValueError, KeyError, IndexError) as error:
                self.add("tests/lint/docs_test.py", 1, "unparsed", f"{check.__name__}: {error}")
        return self.findings

    def read(self, path):
        try:
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                return file.read()
        except OSError as error:
            raise Unparsed(f"{path}: {error.strerror}") from error

    # ---- tables

    def table(self, heading, columns):
        """[(line, cells)] of the first table below a heading of ARCHITECTURE.md; cells without backticks."""
        lines = self.architecture.split("\n")
        starts = [i for i, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line)]
        if len(starts) != 1:
            raise Unparsed(f"ARCHITECTURE.md: expected one heading '{heading}', found {len(starts)}")
        rows = []
        for i in range(starts[0] + 1, len(lines)):
            if lines[i].startswith("|"):
                cells = [cell.strip().replace("`", "") for cell in lines[i].strip("|").split("|")]
                rows.append((i + 1, cells))
            elif rows or lines[i].startswith("#"):
                break
        if len(rows) < 3 or rows[0][1] != columns:
            raise Unparsed(f"ARCHITECTURE.md: below '{heading}' there is no table {columns}")
        for line, cells in rows[2:]:
            if len(cells) != len(columns):
                raise Unparsed(f"ARCHITECTURE.md:{line}: a row of {len(cells)} cells, expected {len(columns)}")
        return rows[2:]

    def compare(self, rule, rows, wanted):
        """Rows [(line, tuple)] against the tuples of the code, in order."""
        for (line, shown), code in zip(rows, wanted):
            if shown != code:
                self.add("ARCHITECTURE.md", line, rule, f"says {shown}, the code {code}")
        if len(rows) != len(wanted):
            line = rows[-1][0] if rows else 1
            self.add("ARCHITECTURE.md", line, rule, f"{len(rows)} rows, the code has {len(wanted)}")

    def records(self, code):
        for record in RECORDS:
            layout = code.layout(record, "core/records.hpp")
            if sum(size for _, size, _, _ in layout) != RECORD_BYTES:
                raise Unparsed(f"{record}: its members do not add up to {RECORD_BYTES} bytes")
            if [name for _, _, name, _ in layout] != code.field_names(record):
                self.add("core/records.hpp", 1, "record", f"{record}: members and Layout fields differ")
            table = self.table(record, ["offset", "size", "field", "type", "meaning"])
            rows = [(line, tuple(cells[:4])) for line, cells in table]
            self.compare("record", rows, [(str(o), str(s), n, t) for o, s, n, t in layout])

    def pages(self, code):
        columns = ["offset", "size", "word", "writer", "readers", "order and pairing"]
        for page, path in PAGES.items():
            layout = code.layout(page, path)
            table = self.table(page, columns)
            rows = [(line, tuple(cells[:3])) for line, cells in table]
            self.compare("word", rows, [(str(o), str(s), n) for o, s, n, _ in layout])
            said = dict(re.findall(r"> ([\w]+)(?:\[\w+\])?;[^\n]*writer: (?:the )?(\w+)", code.text(path)))
            for line, cells in table:
                if not cells[2].startswith("reserved") and (not cells[3] or not cells[4] or not cells[5]):
                    self.add("ARCHITECTURE.md", line, "word", f"{page}.{cells[2]}: writer, readers and order")
                owner = said.get(cells[2])
                if owner and owner not in cells[3]:
                    self.add("ARCHITECTURE.md", line, "owner",
                             f"{page}.{cells[2]}: written by '{cells[3]}', {path} says '{owner}'")

    def topology(self, code):
        columns = ["edge", "number", "from", "to", "record", "capacity", "on full"]
        table = self.table("Edges, and what happens when they are full", columns)
        self.compare("edge", [(line, tuple(cells)) for line, cells in table], code.edges())

    def levels(self, code):
        table = self.table("Levels and actions", ["level", "entry", "strategy exit", "protective exit", "cancel"])
        rows = [(line, tuple(cells)) for line, cells in table]
        wanted = [(level, *("yes" if passes else "no" for passes in row)) for level, row in code.levels().items()]
        self.compare("level", rows, wanted)

    # ---- what documents refer to

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    @staticmethod
    def anchor(heading):
        text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
        return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")

    def links(self):
        for path, text in self.documents.items():
            prose = re.sub(r"```.*?```", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
            for number, line in enumerate(prose.split("\n"), 1):
                for target in re.findall(r"\]\(([^)\s]+)\)", line):
                    if re.match(r"\w+:", target):
                        continue
                    name, _, anchor = target.partition("#")
                    file = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
                    if not self.exists(file):
                        self.add(path, number, "link", f"{target}: there is no {file}")
                    elif anchor and file.endswith(".md"):
                        headings = re.findall(r"^#+ (.+)$", self.documents.get(file, ""), re.M)
                        if anchor not in map(self.anchor, headings):
                            self.add(path, number, "link", f"{target}: {file} has no such heading")

    def spans(self):
        """(path, line, text) of every inline code span and every line of a code block."""
        for path, text in self.documents.items():
            fenced = False
            for number, line in enumerate(text.split("\n"), 1):
                if line.startswith("```"):
                    fenced = not fenced
                elif fenced or re.match(r" {4,}\S", line):
                    yield path, number, line.strip()
                else:
                    for span in re.findall(r"`([^`]+)`", line):
                        yield path, number, span

    def whole_spans(self):
        """A code span that goes over a line end would hide what it names from the checks below."""
        for path, text in self.documents.items():
            prose = re.sub(r"```.*?```", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
            for number, line in enumerate(prose.split("\n"), 1):
                if line.count("`") % 2 and not re.match(r" {4,}\S", line):
                    self.add(path, number, "span", "a code span that does not end on its line")

    def programs(self):
        """{executable: folder of its sources}, from the CMake files."""
        found = {}
        for folder, names, files in os.walk(self.root):
            names[:] = [n for n in names if not n.startswith((".", "build", "__"))]
            if "CMakeLists.txt" in files:
                at = os.path.relpath(folder, self.root)
                for name in re.findall(r"sluice_executable\(([\w-]+)", self.read(os.path.join(at, "CMakeLists.txt"))):
                    found[name] = at
        return found

    def created(self, path):
        """Files that a recipe of this document creates: they need not be there."""
        found = re.findall(r"^```\w+ create ([^\n]+)$", self.documents[path], re.M)
        return {word for words in found for word in words.split()}

    def paths(self):
        programs = self.programs()
        created = {path: self.created(path) for path in self.documents}
        roots = {n for n in os.listdir(self.root) if os.path.isfile(os.path.join(self.root, n))}
        for path, number, text in self.spans():
            for word in re.findall(r"(?<![\w/.*{<-])[A-Za-z_][\w.-]*(?:/[\w.-]+)*/?(?![\w*{<])", text):
                word = word.rstrip(".")
                if word.startswith("build/"):
                    binary = re.match(r"build/\w+/bin/([\w-]+)", word)
                    if binary and binary.group(1) not in programs:
                        self.add(path, number, "path", f"{word}: no such executable")
                    continue
                looks = "/" in word and word.split("/")[0] in TOP
                looks = looks or re.fullmatch(r"[A-Z]+\.md|CMake\w+\.(txt|json)", word) is not None
                known = word in roots or word in created[path]
                if looks and not known and not self.exists(word) and not self.stem(word):
                    self.add(path, number, "path", f"{word} does not exist")

    def stem(self, word):
        """A module named without its extension: `core/driver`."""
        return any(self.exists(word + end) for end in (".hpp", ".cpp"))

    def verbs(self):
        """{verb: the options it takes}, from the tables of tools/ctl."""
        table = self.read("tools/ctl/verbs.cpp")
        options = self.read("tools/ctl/flags.cpp")
        rows = re.findall(r'Flag{(kTakes\w+), "(--[\w-]+)"', options)
        if len(rows) != options.count("Flag{k") or not rows:
            raise Unparsed("tools/ctl/flags.cpp: a row of the flag table cannot be read")
        taken = {}
        for when, flag in rows:
            taken.setdefault(when, set()).add(flag)
        common = taken.get("kTakesAlways", set())
        found = {}
        for name, flags in re.findall(r'Verb{"(\w+)", "[^"]*", "[^"]*", ([\w |]+),', table):
            found[name] = common.union({"--help"}, *(taken[f] for f in re.findall(r"kTakes\w+", flags)))
        if len(found) != table.count("Verb{\""):
            raise Unparsed("tools/ctl/verbs.cpp: a row of the verb table cannot be read")
        return found

    def commands(self):
        verbs, programs = self.verbs(), self.programs()
        users = set(re.findall(r"^[ug] ([\w-]+)", self.read("conf/systemd/sysusers.conf"), re.M))
        known = {}
        for path, number, text in self.spans():
            for call in re.split(r"&&|\||;| & ", text):
                words = call.split()
                for i, word in enumerate(words):
                    name = word.split("/")[-1]
                    if name == "sluicectl":
                        self.verb(path, number, words[i + 1:], verbs)
                    elif name in users and name not in programs:
                        continue
                    elif re.fullmatch(r"sluice-[a-z]+", name):
                        if name not in programs:
                            self.add(path, number, "command", f"there is no executable {name}")
                            continue
                        if name not in known:
                            known[name] = self.options_of(programs[name])
                        self.options(path, number, name, words[i + 1:], known[name])
                    elif word in ("tools/demo", "tools/test", "tools/dev/install"):
                        self.options(path, number, word, words[i + 1:], set(re.findall(r"--[\w-]+", self.read(word))))

    def verb(self, path, number, words, verbs):
        words = list(words)
        while words[:1] in (["-i"], ["--instance"], ["--color"]):
            words = words[2:]
        if not words or not re.fullmatch(r"[a-z]+", words[0]):
            return
        if words[0] not in verbs:
            self.add(path, number, "command", f"sluicectl has no verb '{words[0]}'")
        else:
            self.options(path, number, "sluicectl " + words[0], words[1:], verbs[words[0]])

    def options_of(self, folder):
        text = self.read("core/options.cpp")
        for inside, _, names in os.walk(os.path.join(self.root, folder)):
            for name in names:
                if name.endswith(".cpp"):
                    text += self.read(os.path.relpath(os.path.join(inside, name), self.root))
        return set(re.findall(r"--[a-z][\w-]*", text))

    def options(self, path, number, name, words, known):
        for word in words:
            match = re.match(r"--[a-z][\w-]*", word)
            if match and match.group() not in known | {"--help", "--version"}:
                self.add(path, number, "command", f"{name} has no option {match.group()}")

    def tests(self):
        cases = set()
        for folder, _, files in os.walk(os.path.join(self.root, "tests")):
            for name in files:
                if name.endswith(".cpp"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        found = re.findall(r"^(?:TYPED_)?TEST(?:_[FP])?\((\w+),\s*(\w+)\)", file.read(), re.M)
                    cases.update(f"{suite}.{case}" for suite, case in found)
        for path in ("tests", "bench"):
            for folder, _, files in os.walk(os.path.join(self.root, path)):
                if "CMakeLists.txt" in files:
                    rules = self.read(os.path.relpath(os.path.join(folder, "CMakeLists.txt"), self.root))
                    cases.update(re.findall(r"add_test\(NAME ([\w.]+)", rules))
        for path, number, text in self.spans():
            named = re.fullmatch(r"([A-Z]\w+)\.([A-Z]\w+)", text)
            if named and text not in cases:
                self.add(path, number, "test", f"there is no test {text}")

    def tested_rows(self):
        """A table whose last column is `test` has one in every row."""
        for path, text in self.documents.items():
            tested, lines = False, text.split("\n")
            for number, line in enumerate(lines, 1):
                if not line.startswith("|"):
                    tested = False
                    continue
                last = line.strip().strip("|").split("|")[-1].strip()
                if not lines[number - 2].startswith("|"):
                    tested = last == "test"
                elif tested and not re.search(r"^-+$|`[A-Z]\w+\.[A-Z]\w+`", last):
                    self.add(path, number, "untested", "a row without a test of its own")

    def refusals(self):
        """Whatever attaching may answer is in the runbook, in these words."""
        code = self.read("core/segment.cpp")
        texts = re.findall(r'case AttachError::(\w+): return "([^"]+)";', body_after(code, code.index("name_of(")))
        if len(texts) < 10:
            raise Unparsed("core/segment.cpp: name_of(AttachError) cannot be read")
        for name, text in texts:
            if name not in ("None", "NoMemory") and f"`{text}`" not in self.documents.get("RUNBOOK.md", ""):
                self.add("RUNBOOK.md", 1, "refusal", f"'{text}' is not explained")

    # ---- configuration, READMEs, conditions

    def keys(self, path):
        """{section.key: (line, has a comment)}; every [[table]] of one name counts once."""
        section, above, found = "", False, {}
        for number, line in enumerate(self.read(path).split("\n"), 1):
            bare = line.strip()
            header = re.fullmatch(r"\[\[?([\w.]+)\]\]?(?:\s*#.*)?", bare)
            key = re.match(r"([\w]+)\s*=\s*(.+)$", bare)
            if header:
                section, above = header.group(1), False
            elif key:
                value = re.sub(r'"[^"]*"', '""', key.group(2))
                found.setdefault(f"{section}.{key.group(1)}", (number, above or "#" in value))
                above = False
            elif bare.startswith("#"):
                above = True
            elif bare:
                raise Unparsed(f"{path}:{number}: a line that cannot be read: {bare}")
            else:
                above = False
        if not found:
            raise Unparsed(f"{path}: no keys")
        return found

    def configuration(self):
        default = self.keys("conf/pipeline.toml")
        for other in ("conf/demo.toml", "conf/bench.toml"):
            keys = self.keys(other)
            for key in sorted(keys.keys() - default.keys()):
                self.add("conf/pipeline.toml", 1, "conf", f"{key} is missing, {other} has it")
            for key in sorted(default.keys() - keys.keys()):
                # The load has its one strategy; the others of the catalogue have parameters of their own.
                if other == "conf/bench.toml" and key.startswith("strategy.parameters."):
                    continue
                self.add(other, 1, "conf", f"{key} is missing, conf/pipeline.toml has it")
        for key, (number, commented) in default.items():
            if not commented:
                self.add("conf/pipeline.toml", number, "conf", f"{key} has no comment")

    def readmes(self):
        wanted = {"tools", "conf", "bench", "tests/e2e", "tests/data"}
        for folder, names, files in os.walk(self.root):
            names[:] = [n for n in names if not n.startswith((".", "build", "__"))]
            at = os.path.relpath(folder, self.root)
            if any(f.endswith((".cpp", ".hpp", ".py")) for f in files):
                wanted.add("tests" if at.startswith("tests/") else at)
        for folder in sorted(wanted):
            path = os.path.join(folder, "README.md")
            if path not in self.documents:
                self.add(folder, 1, "readme", "a folder with sources has a README.md")
            elif re.sub(r"^```.*?^```\n\n?", "", self.documents[path], flags=re.M | re.S).count("\n") > README_LINES:
                self.add(path, 1, "readme", f"longer than {README_LINES} lines, code blocks not counted")

    def conditions(self):
        code = self.read("core/levels.hpp")
        names = re.findall(r'case k\w+: return "(\w+)";', body_after(code, code.index("condition_name")))
        if not names:
            raise Unparsed("core/levels.hpp: condition_name cannot be read")
        for name in names:
            for path in ("ARCHITECTURE.md", "RUNBOOK.md"):
                if f"`{name}`" not in self.documents.get(path, ""):
                    self.add(path, 1, "condition", f"{name} is not explained")


class ThisTree(unittest.TestCase):
    def test_documents_agree_with_the_code(self):
        findings = Docs(TREE).run()
        self.assertEqual(findings, [], "\n" + "\n".join(findings))


class TheChecker(unittest.TestCase):
    """Each mutation of a copy of this tree is found by the rule that is meant to find it."""

    @classmethod
    def setUpClass(cls):
        cls.base = tempfile.mkdtemp()
        cls.copy = os.path.join(cls.base, "tree")
        skip = shutil.ignore_patterns("build*", ".*", "__pycache__", "*.gz", "feed_corpus")
        shutil.copytree(TREE, cls.copy, ignore=skip, symlinks=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.base)

    def mutate(self, path, old, new, rule):
        full = os.path.join(self.copy, path)
        with open(full, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text, f"{path} has changed: adapt this test")
        try:
            with open(full, "w", encoding="utf-8") as file:
                file.write(text.replace(old, new, 1))
            findings = Docs(self.copy).run()
        finally:
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        self.assertTrue(any(f": {rule}: " in f for f in findings), f"{path}: '{new}' was not found: {findings}")

    def test_a_renamed_field_is_found_in_either_place(self):
        self.mutate("core/records.hpp", "HostTime approved_at;", "HostTime approval;", "record")
        self.mutate("core/records.hpp", "SLUICE_FIELD(Tick, rx_time,", "SLUICE_FIELD(Tick, rx,", "record")
        self.mutate("ARCHITECTURE.md", "| `kill_epoch` |", "| `kill_sum` |", "record")

    def test_a_moved_or_resized_field_is_found(self):
        self.mutate("core/records.hpp", "  std::uint16_t code;\n", "  std::uint32_t code;\n", "unparsed")
        self.mutate("core/records.hpp", "  SeatIndex seat;\n  StrategyIndex strategy;\n",
                    "  StrategyIndex strategy;\n  SeatIndex seat;\n", "record")
        self.mutate("ARCHITECTURE.md", "| 16 | 8 | `rx_time` |", "| 24 | 8 | `rx_time` |", "record")
        self.mutate("ARCHITECTURE.md", "| `HostTime` | when the frame was in hand |", "| `Time` | x |", "record")

    def test_a_shared_word_is_found_in_either_place(self):
        self.mutate("core/ring.hpp", "std::atomic<std::uint64_t> head;", "std::atomic<std::uint64_t> used;", "word")
        self.mutate("core/control_page.hpp", "alignas(kLinePair) std::atomic<std::uint64_t> heartbeat;",
                    "std::atomic<std::uint64_t> heartbeat;", "word")
        self.mutate("core/stage_page.hpp", "std::atomic<std::uint64_t> turns; ",
                    "std::atomic<std::uint64_t> turns; std::atomic<std::uint64_t> more; ", "word")
        self.mutate("core/levels.hpp", "1 + kMaxGateways + kMaxStrategies", "2 + kMaxGateways + kMaxStrategies", "word")
        self.mutate("ARCHITECTURE.md", "| 256 | 8 | `tail` | the stage's driver |", "| 256 | 8 | `tail` | recorder |",
                    "owner")
        self.mutate("ARCHITECTURE.md", "| 648 | 8 | `obeyed` | holder |", "| 648 | 8 | `obeyed` | |", "word")

    def test_an_edge_is_found_in_either_place(self):
        self.mutate("core/topology.hpp", "RecordKind::Order, 1024", "RecordKind::Order, 2048", "edge")
        self.mutate("core/topology.hpp", "OnFull::Wait};", "OnFull::RefuseEntries};", "edge")
        self.mutate("core/topology.hpp", "GatewayRisk = 11", "GatewayRisk = 12", "edge")
        self.mutate("ARCHITECTURE.md", "| `FeedRisk` | 8 | feed | risk |", "| `FeedRisk` | 8 | feed | gateway |", "edge")

    def test_the_level_table_is_found_in_either_place(self):
        self.mutate("core/records.hpp", "return what != OrderClass::Entry;", "return true;", "level")
        self.mutate("ARCHITECTURE.md", "| `Halt` | no | no | no | yes |", "| `Halt` | no | no | yes | yes |", "level")

    def test_what_cannot_be_parsed_is_a_finding(self):
        self.mutate("core/records.hpp", "struct Report {", "class Report {", "unparsed")
        self.mutate("core/kill_page.hpp", "std::atomic<std::uint64_t> serial;", "Serial serial;", "unparsed")
        self.mutate("core/topology.hpp", "t[n++] = {Edge::FeedRisk,", "t[n++] = row(Edge::FeedRisk,", "unparsed")
        self.mutate("ARCHITECTURE.md", "\n### Order\n", "\n### Orders\n", "unparsed")
        self.mutate("tools/ctl/verbs.cpp", 'Verb{"cap",', 'Verb{"cap" ,', "unparsed")
        self.mutate("tools/ctl/flags.cpp", 'Flag{kTakesLevel, "--level"', 'Flag{kTakesLevel, ("--level")', "unparsed")

    def test_links_and_paths(self):
        self.mutate("README.md", "(RUNBOOK.md)", "(RUNBOOKS.md)", "link")
        self.mutate("RUNBOOK.md", "(#read-status)", "(#reading-status)", "link")
        self.mutate("ARCHITECTURE.md", "`core/records.hpp`", "`core/record.hpp`", "path")
        self.mutate("README.md", "--conf conf/demo.toml", "--conf conf/demos.toml", "path")
        self.mutate("strategies/README.md", "cpp create strategies/dip_buying.hpp", "cpp", "path")
        self.mutate("README.md", "`sluicectl stop`", "`sluicectl\nstop`", "span")

    def test_commands_and_their_options(self):
        self.mutate("RUNBOOK.md", "sluicectl positions", "sluicectl position", "command")
        self.mutate("RUNBOOK.md", "--level CANCEL", "--strength CANCEL", "command")
        self.mutate("README.md", "conf/demo.toml --manual", "conf/demo.toml --by-hand", "command")
        self.mutate("README.md", "taskset -c 1 sluice-feed", "taskset -c 1 sluice-feeder", "command")
        self.mutate("README.md", "`tools/test quick`", "`tools/test quick --fast`", "command")

    def test_names_of_tests(self):
        self.mutate("RUNBOOK.md", "`Kill.NothingEntersAfterComplete`", "`Kill.NothingLeaves`", "test")
        self.mutate("tests/unit/core/kill_page_test.cpp", "RearmLowersExactlyTheNamedWord", "RearmLowers", "test")

    def test_rows_without_a_test_and_refusals(self):
        self.mutate("RUNBOOK.md", "| `SegmentTest.Symlink` |", "| |", "untested")
        self.mutate("RUNBOOK.md", "| `is a symbolic link` |", "| it is a link |", "refusal")
        self.mutate("core/segment.cpp", 'return "has a second name";', 'return "has two names";', "refusal")
        self.mutate("core/segment.cpp", "name_of(AttachError error)", "text_of(AttachError error)", "unparsed")

    def test_configuration(self):
        self.mutate("conf/pipeline.toml", "cooldown_s =", "cooldown_ms =", "conf")
        self.mutate("conf/demo.toml", "sync_ms = 50", "sync_ms = 50\nmore = 1", "conf")
        self.mutate("conf/bench.toml", "sync_ms = 50", "", "conf")
        self.mutate("conf/pipeline.toml", "lot = \"0.00001\"           # smallest", "lot = \"0.00001\"\n# smallest",
                    "conf")
        self.mutate("conf/pipeline.toml", "[recorder]", "[recorder", "unparsed")

    def test_readmes_and_conditions(self):
        self.mutate("bench/README.md", "# bench\n", "# bench\n" + "\n" * 60, "readme")
        self.mutate("core/levels.hpp", 'return "disk_low";', 'return "disk_short";', "condition")


if __name__ == "__main__":
    if len(sys.argv) == 2 and os.path.isdir(sys.argv[1]):
        result = Docs(sys.argv[1]).run()
        print("\n".join(result), end="\n" if result else "")
        sys.exit(1 if result else 0)
    unittest.main()
