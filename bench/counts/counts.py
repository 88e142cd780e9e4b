#!/usr/bin/env python3
"""Counts instructions per piece of work with callgrind and compares them with counts.txt.

A count that rose beyond the tolerance fails, and so does one that fell beyond it: the new figure is written
down with --update, so that the next rise is seen from there. Exit 0: as the table says; 1: not, or no valgrind;
2: usage; 77: built with something else than the table's figures, so there is nothing to compare.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIPPED = 77
# A change elsewhere may move an inlining decision or a spilled register; what somebody adds is more.
TOLERANCE, TOLERANCE_INSTRUCTIONS = 0.02, 1.0

# Which code libraries choose at run time must not follow the CPU of this machine: simdjson is told, the C
# library is told to do without what not every CPU has. Nothing else of the environment reaches the program.
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "LC_ALL": "C",
    "LD_BIND_NOW": "1",
    "SIMDJSON_FORCE_IMPLEMENTATION": "westmere",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-Prefer_ERMS,-Prefer_FSRM,-SSSE3",
}


class Failed(Exception):
    """No figure."""


class Table:
    """The committed figures: what they were built with, then per piece the count and the commit it was counted
    on top of."""

    def __init__(self, path):
        self.path, self.built, self.rows = path, {}, {}
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().split("\n")
        except FileNotFoundError:
            return
        for line in lines:
            row = re.fullmatch(r"(\S+\.\S+) +(\d+\.\d\d) +(\w+)", line)
            if row:
                self.rows[row.group(1)] = (float(row.group(2)), row.group(3))
            elif line and not line.startswith("#"):
                word, rest = line.split(" ", 1)
                self.built[word] = rest

    def write(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("# Instructions per item, of these tools; written by counts.py --update, see README.md.\n")
            for word, rest in self.built.items():
                file.write(f"{word} {rest}\n")
            file.write(f"\n#{'piece':21}{'count':>10}  on top of\n")
            for name, (count, commit) in self.rows.items():
                file.write(f"{name:22}{count:>10.2f}  {commit}\n")


def run(words, folder):
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{os.path.basename(words[0])}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def what_built(program):
    """Lines "word rest"; figures compare only where all of them are equal."""
    if shutil.which("valgrind") is None:
        raise Failed("missing: valgrind: tools/dev/install --tests installs it")
    said = run([program, "--built"], HERE) + run(["valgrind", "--version"], HERE).replace("-", " ", 1)
    return dict(line.split(" ", 1) for line in said.strip().split("\n"))


def count(program, only):
    """Instructions per item of each piece."""
    folder = tempfile.mkdtemp(prefix="sluice-counts-")
    try:
        out = os.path.join(folder, "callgrind")
        said = run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no",
                    "--toggle-collect=sluice_counted", "--dump-before=sluice_count_taken",
                    program, "--only", only, "--conf", os.path.join(ROOT, "conf/bench.toml")], folder)
        found = {}
        for i, line in enumerate(said.strip().split("\n") if said.strip() else []):
            name, items = line.split()
            idle, busy = (total(f"{out}.{number}") for number in (2 * i + 1, 2 * i + 2))
            found[name] = round((busy - idle) / int(items), 2)
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def total(path):
    with open(path, encoding="utf-8") as file:
        got = re.search(r"^totals: (\d+)", file.read(), re.M)
    if not got:
        raise Failed("callgrind wrote no total: another version?")
    return int(got.group(1))


def judge(recorded, now):
    """None, or what is wrong."""
    if recorded is None:
        return "is not in the table"
    if now is None:
        return "is in the table only"
    slack = recorded * TOLERANCE + TOLERANCE_INSTRUCTIONS
    if now > recorded + slack:
        return "ROSE"
    if now < recorded - slack:
        return "fell: write it down with --update, so that it stays there"
    return None


def compare(table, found, only):
    failures = 0
    print(f"{'instructions per item':22}{'recorded':>10}{'now':>10}{'change':>9}")
    for name in list(found) + [n for n in table.rows if n not in found and only in n]:
        recorded, now = table.rows.get(name, (None,))[0], found.get(name)
        wrong = judge(recorded, now)
        failures += wrong is not None
        change = f"{100 * (now / recorded - 1):+.1f} %" if recorded and now else ""
        print(f"{name:22}" + "".join(f"{'-' if v is None else format(v, '.2f'):>10}" for v in (recorded, now))
              + f"{change:>9}" + (f"  {wrong}" if wrong else ""))
    print(f"{len(found)} pieces, {failures} failures; tolerance {TOLERANCE:.0%} and {TOLERANCE_INSTRUCTIONS:.0f}"
          " instruction, both ways")
    return 1 if failures or not found else 0


def update(table, built, found):
    commit = run(["git", "rev-parse", "--short=12", "HEAD"], ROOT).strip()
    kept = table.rows if table.built == built else {}
    table.built = built
    table.rows = {name: kept[name] if name in kept and kept[name][0] == now else (now, commit)
                  for name, now in found.items()}
    table.write()
    print(f"written: {len(found)} pieces")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("program", help="sluice-counts")
    parser.add_argument("--table", default=os.path.join(HERE, "counts.txt"))
    parser.add_argument("--only", default="", help="pieces whose name contains this")
    parser.add_argument("--update", action="store_true", help="writes the table")
    options = parser.parse_args()
    if options.update and options.only:
        parser.error("--update writes all pieces or none")
    try:
        program = os.path.abspath(options.program)
        built, table = what_built(program), Table(options.table)
        if not options.update and built != table.built:
            print("skipped: the recorded counts are those of other tools")
            for word in sorted(built.keys() | table.built.keys()):
                if built.get(word) != table.built.get(word):
                    print(f"  {word}: recorded {table.built.get(word, '-')}; here {built.get(word, '-')}")
            return SKIPPED
        found = count(program, options.only)
        return update(table, built, found) if options.update else compare(table, found, options.only)
    except Failed as failed:
        print(failed)
        return 1


if __name__ == "__main__":
    sys.exit(main())
