#!/usr/bin/env python3
"""Checks the protocol models: check.py [--set quick|full] [--only TEXT] [--jobs N] [--list] [--root ROOT].

A row says what a model must show: that a claim holds, by a complete search, or that it is violated, because a
mutant breaks the protocol or because something must be reachable. Anything else fails: a search that was cut
short, another claim than the named one, a mutant that survives. Exit 0: as the table says; 1: not; 2: usage.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT_S = {"quick": 50, "full": 1200}
STUCK = "invalid end state"

Row = namedtuple("Row", "model defines claim expected set")


def holds(model, defines, claim="every claim", when="quick"):
    return Row(model, tuple(defines.split()), claim, "holds", when)


def violated(model, defines, claim, when="quick"):
    return Row(model, tuple(defines.split()), claim, "violated", when)


ROWS = (
    holds("ring", "TAP"),
    holds("ring", "CAPACITY=1 TAP"),
    holds("ring", "TAP RECORDS=8 DEATHS=4", when="full"),
    holds("ring", "TAP CAPACITY=4 RECORDS=8", when="full"),
    holds("ring", "TAP", "ltl heads_behind_journal"),
    violated("ring", "HEAD_BEFORE_COPY", "ltl heads_behind_journal"),
    violated("ring", "HEARTBEAT_AGE", "record_torn"),
    violated("ring", "PUBLISH_FIRST", "record_torn"),
    violated("ring", "NOT_CLEARED TAP", "tap_torn"),
    violated("ring", "TAP_READS_ONCE TAP", "tap_torn"),
    violated("ring", "HEAD_BEFORE_COPY", "slot_reused_early"),
    violated("ring", "CURSOR_IS_HEAD", "record_skipped"),
    violated("ring", "RESUME_AT_WORDS CAPACITY=1", "record_skipped"),
    violated("ring", "SHOW_CUT", "unreachable"),
    violated("ring", "SHOW_LAP TAP", "unreachable"),
    violated("ring", "SHOW_END", "unreachable"),

    holds("kill", "RAISERS=1"),
    holds("kill", "RAISERS=1 STOPS"),
    holds("kill", "RAISERS=1 SCOPES=2"),
    holds("kill", "RAISERS=0 DAMAGE"),
    holds("kill", "RAISERS=1 DAMAGE NO_REARM"),
    holds("kill", "RAISERS=1 DAMAGE GATES_OBEY"),
    holds("kill", "RAISERS=1 DAMAGE AT_ONCE=1", when="full"),
    holds("kill", "RAISERS=2 AT_ONCE=2"),
    holds("kill", "RAISERS=2 NO_REARM", when="full"),
    holds("kill", "RAISERS=2 GATES_OBEY", when="full"),
    holds("kill", "RAISERS=2 SCOPES=2 AT_ONCE=2"),
    holds("kill", "RAISERS=2 SCOPES=2 AT_ONCE=1", when="full"),
    holds("kill", "RAISERS=2 SCOPES=2 NO_REARM", when="full"),
    holds("kill", "RAISERS=2 SCOPES=2 GATES_OBEY", when="full"),
    violated("kill", "FLAG_ONLY RAISERS=1", "byte_after_complete"),
    violated("kill", "SECOND_SERIAL_OMITTED RAISERS=1", "byte_after_complete"),
    violated("kill", "WORDS_BEFORE_SERIAL RAISERS=1", "approved_after_complete"),
    violated("kill", "EPOCH_UNCHECKED RAISERS=1", "queued_order_revived"),
    violated("kill", "EPOCH_READ_FRESH RAISERS=1", "queued_order_revived"),
    violated("kill", "OBEYED_UNDRAINED RAISERS=1", "queued_order_revived"),
    violated("kill", "NO_FENCE STOPS RAISERS=1", STUCK),
    violated("kill", "FENCE_UNPROVEN RAISERS=1", "byte_after_complete"),
    violated("kill", "FENCE_KEEPS_BYTES RAISERS=1", "byte_after_complete"),
    violated("kill", "REARM_BLIND RAISERS=2", "newer_raise_undone"),
    violated("kill", "REARM_EARLY RAISERS=1", "queued_order_revived"),
    violated("kill", "SAME_LEVEL_SILENT RAISERS=2", "newer_raise_undone"),
    violated("kill", "FLAG_POLARITY RAISERS=1", "byte_after_complete"),
    violated("kill", "ZERO_IS_RUN DAMAGE RAISERS=1", "byte_after_complete"),
    violated("kill", "ONE_SCOPE SCOPES=2 RAISERS=2 NO_REARM", "byte_after_complete"),
    violated("kill", "SHOW_COMPLETE RAISERS=1", "unreachable"),
    violated("kill", "SHOW_REARM RAISERS=1", "unreachable"),
    violated("kill", "SHOW_LATE RAISERS=1", "unreachable"),
    violated("kill", "SHOW_FENCED RAISERS=1", "unreachable"),

    holds("ending", ""),
    holds("ending", "DEATHS=5", when="full"),
    violated("ending", "END_FIRST", "kill_forgotten"),
    violated("ending", "UNREAD", "kill_forgotten"),
    violated("ending", "NOT_EXCHANGED", "kill_forgotten"),
    violated("ending", "NOT_CARRIED", "kill_forgotten"),
    violated("ending", "SHOW_CARRIED", "unreachable"),

    holds("recovery", ""),
    holds("recovery", "INPUTS=6", when="full"),
    holds("recovery", "INPUTS=5 DEATHS=4", when="full"),
    violated("recovery", "HEAD_FIRST", "input_lost"),
    violated("recovery", "OUTPUT_FIRST", "output_early"),
    violated("recovery", "PUBLISH_ALL", "output_again"),
    violated("recovery", "TIME_AGAIN", "state_differs"),
    violated("recovery", "CHECKPOINT_FIRST", "state_differs"),
    violated("recovery", "NOT_CLEARED", "state_differs"),
    violated("recovery", "SHOW_CUT", "unreachable"),
    violated("recovery", "SHOW_CHECKPOINT", "unreachable"),
    violated("recovery", "SHOW_END", "unreachable"),

    holds("takeover", ""),
    violated("takeover", "LEASE_STORED", "two_owners"),
    violated("takeover", "ALIVE_IGNORED", "two_owners"),
    violated("takeover", "NO_HANDSHAKE", "permit_unaccepted"),
    violated("takeover", "EPOCH_IGNORED", "permit_inherited"),
    violated("takeover", "SHOW_ARMED", "unreachable"),
)


class Surprise(Exception):
    """What was seen is not what the table says, or cannot be said to be."""


def run(words, folder, timeout):
    try:
        done = subprocess.run(words, cwd=folder, timeout=timeout, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    except subprocess.TimeoutExpired as error:
        raise Surprise(f"{words[0]}: cut short after {timeout} s") from error
    return done.returncode, done.stdout


def search(row, folder):
    """The output of the verifier."""
    for name in os.listdir(HERE):
        if name.endswith(".pml"):
            shutil.copy(os.path.join(HERE, name), folder)
    code, said = run(["spin", "-a"] + [f"-D{d}" for d in row.defines] + [row.model + ".pml"], folder, 60)
    if code != 0 or "Error" in said:
        raise Surprise("spin: " + said.strip())
    ltl = row.claim.startswith("ltl ")
    complete = row.expected == "holds"
    flags = ["-O2" if complete else "-O0", "-w", "-DSAFETY", "-DVECTORSZ=512", "-DMEMLIM=7000"]
    if row.set == "full":
        flags.append("-DCOLLAPSE")
    if not ltl:
        flags.append("-DNOCLAIM")
    code, said = run(["gcc", *flags, "-o", "pan", "pan.c"], folder, 120)
    if code != 0:
        raise Surprise("gcc: " + said.strip())
    words = ["./pan", "-m1000000"] + (["-N", row.claim[4:]] if ltl else [])
    return run(words, folder, TIMEOUT_S[row.set])[1]


def judge(row, said):
    """(states, depth); raises Surprise."""
    got = re.search(r"depth reached (\d+), errors: (\d+)", said)
    states = re.search(r"(\d+)(?:e\+\d+)? states, stored", said)
    if not got or not states:
        raise Surprise("no result: " + said.strip()[-300:])
    found = re.search(r"^pan:\d+: (.*?)(?: \(at depth|$)", said, re.M)
    if row.expected == "holds":
        if found or got.group(2) != "0":
            raise Surprise("violated: " + (found.group(1) if found else "errors"))
        if re.search(r"not completed|too small|out of memory|reached -DMEMLIM|truncated", said, re.I):
            raise Surprise("the search is not complete")
    elif not found:
        raise Surprise("not violated: the mutant survives, or the state is out of reach")
    elif not row.claim.startswith("ltl ") and row.claim not in found.group(1):
        raise Surprise("another claim is violated: " + found.group(1))
    return int(states.group(1)), int(got.group(1))


def check(row):
    folder = tempfile.mkdtemp(prefix="sluice-model-")
    start = time.monotonic()
    try:
        states, depth = judge(row, search(row, folder))
        return row, None, states, depth, time.monotonic() - start
    except Surprise as surprise:
        return row, str(surprise), 0, 0, time.monotonic() - start
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def constants_differ(root):
    """Constants that a model and a header both define under one name, with different values."""
    with open(os.path.join(root, "core/levels.hpp"), encoding="utf-8") as file:
        levels = re.search(r"enum class KillLevel[^{]*{(.*?)}", file.read(), re.S).group(1)
    code = {"k" + name: value for name, value in re.findall(r"(\w+) = (\d+)", levels)}
    found = []
    for name in sorted(os.listdir(HERE)):
        if not name.endswith(".pml"):
            continue
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            for constant, value in re.findall(r"#define (k\w+) (\d+)", file.read()):
                if code.get(constant, value) != value:
                    found.append(f"{name}: {constant} is {value}, in core/levels.hpp {code[constant]}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--set", choices=("quick", "full"), default="quick")
    parser.add_argument("--only", default="", help="rows whose text contains this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(HERE)))
    options = parser.parse_args()
    rows = [r for r in ROWS if (options.set == "full" or r.set == "quick")
            and options.only in " ".join((r.model, *r.defines, r.claim, r.expected))]
    if options.list:
        for row in rows:
            print(row.model, *row.defines, "|", row.claim, "|", row.expected, "|", row.set)
        return 0
    missing = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
    if missing:
        print("missing: " + ", ".join(missing) + ": tools/dev/install --tests installs it")
        return 1
    if not rows:
        print("no row matches")
        return 2
    failures = constants_differ(options.root)
    for failure in failures:
        print("FAIL " + failure)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for row, surprise, states, depth, seconds in pool.map(check, rows):
            what = f"{row.model:9} {' '.join(row.defines) or '-':36} {row.claim:26} {row.expected:8}"
            if surprise:
                failures.append(what)
                print(f"FAIL {what} {surprise}", flush=True)
            else:
                print(f"ok   {what} {states:>9} states, depth {depth}, {seconds:.1f} s", flush=True)
    print(f"{len(rows)} rows, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
