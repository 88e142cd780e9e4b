#!/usr/bin/env python3
"""House rules as a test: tidy.py [ROOT]. Prints file:line: rule: text; exits 1 on a finding.

Rules: include direction, one home per third-party header, banned tokens in hot files, file and function
length (with a ratchet that may only shrink), a README per folder, and plain text hygiene.
"""
import os
import re
import sys

STAGES = ("feed", "strategies", "risk", "gateway")
FOLDERS = ("core",) + STAGES + ("tools", "bench", "tests")
MAX_FILE, MAX_FUNCTION, MAX_COLUMNS = 500, 70, 110
RATCHET = "tools/dev/size_ratchet.txt"
SELF = ("tools/dev/tidy.py", "tests/lint/")  # they spell what they forbid

# (header, the files that may include it); bench may include everything
HOMES = (
    (r"toml\+\+/", r"core/config\.cpp"),
    (r"boost/interprocess/", r"core/segment\.cpp"),
    (r"libwebsockets", r"core/net/([^/]+\.cpp|lws\.hpp)"),
    (r"simdjson", r"(feed/[^/]+|tools/venue/[^/]+|tools/demo_run/drill|tests/.+)\.cpp"),
    (r"concurrentqueue/", r"core/log\.cpp"),
    (r"CLI/", r"(core/options|tools/[^/]+/[^/]+|tests/(campaign/|model/relacy/|stress/endurance_)main)\.cpp"),
    (r"relacy/", r"tests/model/relacy/atomics\.hpp"),
    (r"zlib\.h", r"(tools/venue/[^/]+|tools/demo_run/capture|tests/.+)\.cpp"),
)

# What speaks to a network. Of the tools only the venue does; replay reads its tapes, which do not.
OF_A_NETWORK = re.compile(r"core/net/|feed/(live|source)\.|tools/venue/(?!tape\.|book\.)")

# What the hot part of a stage must not say. A line marked "// setup" runs before arming; so does all of a
# file whose head comment says "Setup only".
BANNED = (
    ("new", r"\bnew\s"),
    ("throw", r"\bthrow\b"),
    ("std::mutex", r"\bstd::(\w+_)?mutex\b"),
    ("std::function", r"\bstd::function\b"),
    ("double", r"\bdouble\b"),
    ("float", r"\bfloat\b"),
    ("sleep", r"sleep"),
    ("system_clock", r"\bsystem_clock\b"),
    ("std::string", r"\bstd::string(\s+\w|[({]|>\s*\w)|\bstd::to_string\b"),
    ("push_back", r"\b(push|emplace)_back\b"),
)
COLD = re.compile(r"/(main|config)\.[ch]pp$|/source\.[^/]*$")

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.S,
)
CONTROL = re.compile(r"\b(if|for|while|switch|catch|do|else|namespace|class|struct|union|enum|concept)\b")


def stripped(text):
    """The code without comments and literals, line by line in its place."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


class Tidy:
    def __init__(self, root):
        self.root = root
        self.findings = []
        self.ratchet = {}  # (path, what) -> (allowed, line); what = "file" or "function"
        self.seen = {}     # (path, what) -> size above the limit

    def add(self, path, line, rule, text):
        self.findings.append((path, line, rule, text))

    def files(self):
        for folder, names, files in os.walk(self.root):
            names[:] = sorted(n for n in names if not n.startswith((".", "build", "__")))
            for name in sorted(files):
                yield os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/")

    def run(self):
        self.read_ratchet()
        sources = []
        for path in self.files():
            if not re.search(r"\.([ch]pp|py|sh|md|toml|cmake|json|service)$|CMakeLists\.txt$", path):
                continue
            try:
                with open(os.path.join(self.root, path), encoding="utf-8", newline="") as file:
                    text = file.read()
            except UnicodeDecodeError as error:
                self.add(path, 1, "encoding", f"not UTF-8: {error.reason}")
                continue
            self.hygiene(path, text)
            if path.endswith((".cpp", ".hpp")):
                sources.append(path)
                self.source(path, text)
        self.readmes(sources)
        self.check_ratchet()
        for path, line, rule, text in sorted(self.findings):
            print(f"{path}:{line}: {rule}: {text}")
        return 1 if self.findings else 0

    def hygiene(self, path, text):
        exempt = path.startswith(SELF)
        cpp = path.endswith((".cpp", ".hpp"))
        for number, line in enumerate(text.split("\n"), 1):
            if line.rstrip() != line:
                self.add(path, number, "whitespace", "trailing whitespace or a carriage return")
            if "\t" in line:
                self.add(path, number, "tab", "tabs are not used")
            if cpp and len(line) > MAX_COLUMNS:
                self.add(path, number, "columns", f"{len(line)} columns, at most {MAX_COLUMNS}")
            if exempt:
                continue
            for word in re.findall(r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b", line):
                self.add(path, number, "unfinished", f"{word}: finish it or open an issue")
            if re.search(r"\.\./shared\b|(?<![\w.])/(work|home|root|Users)/\w", line):
                self.add(path, number, "machine-path", "a path of one machine")
        if text and not text.endswith("\n"):
            self.add(path, text.count("\n") + 1, "newline", "no newline at the end of the file")

    def source(self, path, text):
        code = stripped(text)
        if path.endswith(".hpp") and "#pragma once" not in text:
            self.add(path, 1, "pragma-once", "a header without #pragma once")
        self.includes(path, text)
        self.functions(path, code)
        self.size(path, 1, "file", text.count("\n"), MAX_FILE)
        if path.startswith(tuple(s + "/" for s in STAGES)) and not COLD.search(path) \
                and not re.match(r"(//[^\n]*\n)*//[^\n]*\bSetup only\b", text):
            self.hot(path, text, code)

    def includes(self, path, text):
        top = path.split("/")[0]
        for number, line in enumerate(text.split("\n"), 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if not match:
                continue
            header = match.group(1)
            for pattern, home in HOMES:
                if top != "bench" and re.match(pattern, header) and not re.fullmatch(home, path):
                    self.add(path, number, "one-home", f"{header} may be included by {home} only")
            target = header.split("/")[0]
            if header.startswith("."):
                self.add(path, number, "include", "includes start at the root of the repository")
            elif target in FOLDERS and not self.may_include(path, top, header, target):
                self.add(path, number, "include", f"{top}/ may not include {header}")

    @staticmethod
    def may_include(path, top, header, target):
        if target == "bench":
            return top in ("bench", "tests")
        if target == "tests":
            return top == "tests"
        if path.startswith("tools/") and not path.startswith("tools/venue/") and OF_A_NETWORK.match(header):
            return False
        if top in ("tools", "bench", "tests") or top not in FOLDERS:
            return True
        if header.startswith("core/net/"):
            return path.startswith(("core/net/", "feed/source."))
        return target == "core" or (top != "core" and target == top)

    def functions(self, path, code):
        """A block behind ')' that is no control statement is a function; nested blocks belong to it."""
        stack = []  # True for a function
        head, line, start = "", 1, 0
        for char in code:
            if char == "\n":
                line += 1
            if char == "{":
                named = not CONTROL.search(head.split("(")[0])
                function = named and ")" in head and "=" not in head.split("(")[0] and not any(stack)
                if function:
                    start = line
                stack.append(function)
            elif char == "}" and stack and stack.pop():
                self.size(path, start, "function", line - start + 1, MAX_FUNCTION)
            head = "" if char in "{};" else head + char

    def hot(self, path, text, code):
        raw = text.split("\n")
        for number, line in enumerate(code.split("\n"), 1):
            if line.lstrip().startswith("#") or "// setup" in raw[number - 1]:
                continue
            for name, pattern in BANNED:
                if re.search(pattern, line):
                    self.add(path, number, "hot", f"{name} in a stage (mark setup code with // setup)")

    def size(self, path, line, what, size, limit):
        if size <= limit:
            return
        self.seen[(path, what)] = max(size, self.seen.get((path, what), 0))
        allowed = self.ratchet.get((path, what), (limit, 0))[0]
        if size > allowed:
            self.add(path, line, "size", f"{what} of {size} lines, at most {allowed}")

    def read_ratchet(self):
        """Lines "path file|function lines": sizes that are tolerated until they shrink."""
        try:
            with open(os.path.join(self.root, RATCHET), encoding="utf-8") as file:
                lines = file.read().split("\n")
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            match = re.fullmatch(r"(\S+) (file|function) (\d+)", line)
            if match:
                self.ratchet[match.group(1, 2)] = (int(match.group(3)), number)
            elif line and not line.startswith("#"):
                self.add(RATCHET, number, "ratchet", "expected: path file|function lines")

    def check_ratchet(self):
        for (path, what), (allowed, number) in self.ratchet.items():
            now = self.seen.get((path, what), 0)
            if now < allowed:
                advice = f"lower it to {now}" if now else "remove the line"
                self.add(RATCHET, number, "ratchet", f"{path} {what} has shrunk: {advice}")

    def readmes(self, sources):
        folders = {"tests" if p.startswith("tests/") else os.path.dirname(p) for p in sources}
        for folder in sorted(folders):
            if not os.path.exists(os.path.join(self.root, folder, "README.md")):
                self.add(folder or ".", 1, "readme", "a folder with sources has a README.md")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit("usage: tidy.py [ROOT]")
    here = os.path.dirname(os.path.abspath(__file__))
    root_folder = sys.argv[1] if len(sys.argv) == 2 else os.path.dirname(os.path.dirname(here))
    if not os.path.isdir(root_folder):
        print(f"tidy.py: {root_folder} is not a folder", file=sys.stderr)
        sys.exit(2)
    sys.exit(Tidy(root_folder).run())
