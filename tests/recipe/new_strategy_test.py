#!/usr/bin/env python3
"""The recipe for a new strategy, followed: new_strategy_test.py SOURCE WORK CMAKE.

Reads the edits from the fenced blocks of strategies/README.md, makes them in a copy of SOURCE below WORK,
builds the strategies library with its test there, and runs the tests that the recipe has brought. Then the
copy must obey the house rules, and without the edit of the catalogue, or of the configuration, the same
test must fail: a recipe with a step too many would rot unseen.
"""
import os
import re
import shutil
import subprocess
import sys

README = "strategies/README.md"
TARGET = "strategies_test"
EDITS = {"create": 3, "insert": 1, "append": 1}  # how many blocks of each kind the recipe has


class Failure(Exception):
    """The recipe does not work; the message says which step."""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def edits_of(text):
    """[(action, [paths], content)] of the blocks whose first line is ```LANGUAGE ACTION PATH...."""
    blocks = re.findall(r"^```\w+ (create|insert|append) ([^\n]+)\n(.*?)^```$", text, re.M | re.S)
    edits = [(action, paths.split(), content) for action, paths, content in blocks]
    for action, count in EDITS.items():
        found = sum(1 for edit in edits if edit[0] == action)
        if found != count:
            raise Failure(f"{README} has {found} blocks to {action}, expected {count}")
    return edits


def inserted(text, block, path):
    """Lines with + behind the line above them, which must stand exactly once in the file."""
    lines = text.split("\n")
    at = None
    for line in block.rstrip("\n").split("\n"):
        if line.startswith("+"):
            if at is None:
                raise Failure(f"{path}: a line to insert without the line it goes behind")
            at += 1
            lines.insert(at, line[1:])
        elif lines.count(line[1:]) == 1:
            at = lines.index(line[1:])
        else:
            raise Failure(f"{path}: '{line[1:]}' stands {lines.count(line[1:])} times in it, expected once")
    return "\n".join(lines)


def apply(edit, root):
    action, paths, content = edit
    for path in paths:
        full = os.path.join(root, path)
        if action == "create":
            if os.path.exists(full):
                raise Failure(f"{path}: to be created, and is there already")
            write(full, content)
        else:
            text = read(full)
            write(full, inserted(text, content, path) if action == "insert" else text + content)


def run(words, **more):
    """(succeeded, output)"""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    return done.returncode == 0, done.stdout


def must(words, what):
    succeeded, output = run(words)
    if not succeeded:
        raise Failure(f"{what}:\n{output[-6000:]}")
    return output


def copy_of(source, work):
    root = os.path.join(work, "tree")
    shutil.rmtree(work, ignore_errors=True)
    skip = shutil.ignore_patterns("build", ".git", "__pycache__")
    shutil.copytree(source, root, ignore=skip, symlinks=True)
    return root


def suites_of(edits):
    """The gtest suites of the test that the recipe creates."""
    for action, paths, content in edits:
        if action == "create" and paths[0].endswith("_test.cpp"):
            suites = sorted(set(re.findall(r"^TEST(?:_F)?\((\w+),", content, re.M)))
            if suites:
                return suites
    raise Failure(f"{README}: no block creates a test")


class Copy:
    def __init__(self, root, cmake, suites):
        self.root, self.cmake = root, cmake
        self.build = os.path.join(root, "build", "dev")
        self.filter = ":".join(f"{suite}.*" for suite in suites)

    def configure(self):
        must([self.cmake, "--preset", "dev", "-S", self.root, "-DSLUICE_TESTS=ON", "-DSLUICE_UNITY=ON"],
             "the copy cannot be configured")

    def make(self):
        return run([self.cmake, "--build", self.build, "--target", TARGET, "-j", "2"])

    def test(self):
        return run([os.path.join(self.build, "bin", TARGET), f"--gtest_filter={self.filter}"])


def works(copy):
    built, output = copy.make()
    if not built:
        raise Failure(f"the copy does not build:\n{output[-6000:]}")
    passed, output = copy.test()
    ran = re.search(r"\[  PASSED  \] (\d+) tests?", output)
    if not passed or not ran or int(ran.group(1)) == 0:
        raise Failure(f"the new test does not pass:\n{output[-6000:]}")
    return int(ran.group(1))


def needed(copy, edit, source):
    """The test fails without this edit."""
    for path in edit[1]:
        shutil.copy(os.path.join(source, path), os.path.join(copy.root, path))
    built, _ = copy.make()
    if built and copy.test()[0]:
        raise Failure(f"the new test passes without the edit of {' and '.join(edit[1])}")


def main(source, work, cmake):
    edits = edits_of(read(os.path.join(source, README)))
    root = copy_of(source, work)
    for edit in edits:
        apply(edit, root)
    for rules in ("tools/dev/tidy.py", "tests/lint/docs_test.py"):
        must([sys.executable, "-B", os.path.join(root, rules), root], f"{rules} objects to the copy")
    copy = Copy(root, cmake, suites_of(edits))
    copy.configure()
    count = works(copy)
    for action in ("append", "insert"):
        needed(copy, next(edit for edit in edits if edit[0] == action), source)
    shutil.rmtree(work, ignore_errors=True)
    print(f"the recipe works: {sum(len(e[1]) for e in edits)} files, {count} tests passed in the copy, and "
          "fail without the catalogue or the configuration")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: new_strategy_test.py SOURCE WORK CMAKE")
    try:
        main(*(os.path.abspath(argument) if "/" in argument else argument for argument in sys.argv[1:]))
    except Failure as failure:
        sys.exit(f"{README}: the recipe does not work: {failure}")
