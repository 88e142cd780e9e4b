#!/usr/bin/env python3
"""The gate over instruction counts bites: counts_test.py PROGRAM MUTANT. Figures are taken here, so that it does
not matter with what the committed ones were built."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
COUNTS = os.path.join(HERE, "..", "..", "..", "bench", "counts", "counts.py")
PROGRAM, MUTANT = sys.argv[1:3]
PIECE = "ring.push_poll"


class Counts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "counts.txt")
            code, said = cls.counts(path, "--update")
            if code != 0:
                raise AssertionError(said)
            with open(path, encoding="utf-8") as file:
                cls.truth = file.read()

    @staticmethod
    def counts(table, *words, program=PROGRAM, path=os.environ["PATH"]):
        done = subprocess.run([sys.executable, "-B", COUNTS, program, "--table", table, *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env={**os.environ, "PATH": path})
        return done.returncode, done.stdout

    def against(self, table, *words, **how):
        """Exit code, what was said, and the table afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "counts.txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write(table)
            code, said = self.counts(path, *words, **how)
            with open(path, encoding="utf-8") as file:
                return code, said, file.read()

    def doctored(self, factor):
        return re.sub(rf"^({PIECE} +)([\d.]+)", lambda m: f"{m.group(1)}{float(m.group(2)) * factor:.2f}",
                      self.truth, flags=re.M)

    def test_the_same_program_passes_at_once_and_again(self):
        for _ in range(2):
            code, said, _ = self.against(self.truth)
            self.assertEqual(code, 0, said)
            self.assertEqual(set(re.findall(r"(\S+) %", said)), {"+0.0"}, said)

    def test_a_loop_too_many_in_the_code_fails(self):
        code, said, _ = self.against(self.truth, "--only", PIECE, program=MUTANT)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, rf"{PIECE} .* ROSE")

    def test_it_fails_both_ways_beyond_the_tolerance(self):
        for factor, expected, what in ((0.95, 1, "ROSE"), (1.05, 1, "fell"), (0.99, 0, ""), (1.01, 0, "")):
            code, said, _ = self.against(self.doctored(factor), "--only", PIECE)
            self.assertEqual(code, expected, said)
            self.assertIn(what, said)

    def test_pieces_and_rows_are_the_same(self):
        code, said, _ = self.against(self.truth.replace(PIECE, "ring.forgotten"), "--only", "ring.")
        self.assertEqual(code, 1)
        self.assertRegex(said, rf"{PIECE} .* is not in the table")
        self.assertRegex(said, r"ring\.forgotten .* is in the table only")

    def test_other_tools_are_no_comparison_and_are_named(self):
        for word in ("compiler", "flags", "libraries", "valgrind"):
            code, said, _ = self.against(re.sub(rf"^{word} .*", f"{word} another", self.truth, flags=re.M))
            self.assertEqual(code, 77, said)
            self.assertRegex(said, rf"{word}: recorded another; here \S")

    def test_without_valgrind_it_fails_and_says_what_to_do(self):
        code, said, _ = self.against(self.truth, path=HERE)
        self.assertEqual(code, 1)
        self.assertIn("tools/dev/install --tests", said)

    def test_a_program_that_fails_is_no_figure(self):
        code, said, _ = self.against(self.truth, program="/bin/false")
        self.assertEqual(code, 1, said)

    def test_an_update_writes_what_changed_and_nothing_else(self):
        old = re.sub(r"\w+$", "0ld0ld", self.doctored(2).rstrip(), flags=re.M)
        old = re.sub(r"^(compiler|flags|libraries|valgrind) .*", lambda m: re.search(
            rf"^{m.group(1)} .*", self.truth, re.M).group(), old, flags=re.M)
        code, said, new = self.against(old, "--update")
        self.assertEqual(code, 0, said)
        rows = dict(re.findall(r"^(\S+\.\S+) .* (\w+)$", new, re.M))
        self.assertNotEqual(rows.pop(PIECE), "0ld0ld")
        self.assertEqual(set(rows.values()), {"0ld0ld"})
        self.assertEqual(self.against(new)[0], 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
