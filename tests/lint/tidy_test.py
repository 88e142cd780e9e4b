#!/usr/bin/env python3
"""tidy.py against small trees: each rule finds its fault at its line, and a clean tree is clean."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

TIDY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "dev", "tidy.py")


def lines(count, text="int x;\n"):
    return text * count


class Tidy(unittest.TestCase):
    def run_tidy(self, files):
        """The findings, as "path:line: rule", in the tree made of these files and a README per folder."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
                top = path.split("/")[0]
                folder = os.path.join(root, "tests") if top == "tests" else os.path.dirname(full)
                if path not in ("bare/x.cpp",):
                    with open(os.path.join(folder, "README.md"), "a", encoding="utf-8") as file:
                        file.write("Read me.\n")
            done = subprocess.run([sys.executable, "-B", TIDY, root], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        found = [re.match(r"(\S+:\d+: [\w-]+): .", line) for line in done.stdout.splitlines()]
        self.assertNotIn(None, found, done.stdout)
        self.assertEqual(done.returncode, 1 if found else 0)
        return [match.group(1) for match in found]

    def check(self, path, text, *expected):
        self.assertEqual(self.run_tidy({path: text}), [f"{path}:{e}" for e in expected])

    def test_a_clean_tree_is_clean(self):
        self.assertEqual(self.run_tidy({
            "core/types.hpp": "#pragma once\n",
            "core/net/http.cpp": '#include "core/types.hpp"\n#include "core/net/http.hpp"\n',
            "feed/stage.cpp": '#include "core/types.hpp"\n#include "feed/stage.hpp"\n',
            "feed/source.cpp": '#include "core/net/http.hpp"\nstd::string s; double d = sleep();\n',
            "tools/replay/run.cpp": '#include "tools/venue/tape.hpp"\n#include "feed/stage.hpp"\n',
            "tools/venue/main.cpp": '#include "core/net/loop.hpp"\n#include "tools/venue/venue.hpp"\n',
            "tools/ctl/main.cpp": '#include "risk/stage.hpp"\n#include <CLI/CLI.hpp>\n',
            "tests/unit/risk/a_test.cpp": '#include "tests/support/clock.hpp"\n#include "risk/stage.hpp"\n',
            "bench/micro/ring.cpp": "#include <concurrentqueue/concurrentqueue.h>\n",
        }), [])

    def test_include_direction(self):
        for path, header in (
            ("core/a.cpp", "feed/stage.hpp"), ("core/a.cpp", "core/net/http.hpp"),
            ("core/net/a.cpp", "tools/x.hpp"), ("risk/a.cpp", "gateway/b.hpp"),
            ("strategies/a.cpp", "risk/b.hpp"), ("gateway/a.cpp", "core/net/http.hpp"),
            ("feed/stage.cpp", "core/net/http.hpp"), ("tools/ctl/a.cpp", "tests/x.hpp"),
            ("tools/replay/a.cpp", "core/net/loop.hpp"), ("tools/replay/a.cpp", "feed/source.hpp"),
            ("tools/replay/a.cpp", "tools/venue/venue.hpp"), ("tools/ctl/a.cpp", "feed/live.hpp"),
            ("bench/a.cpp", "tests/x.hpp"), ("core/a.cpp", "bench/x.hpp"), ("risk/a.cpp", "../core/x.hpp"),
        ):
            with self.subTest(path=path, header=header):
                self.check(path, f'\n#include "{header}"\n', "2: include")

    def test_one_home_per_library(self):
        for header, home, elsewhere in (
            ("toml++/toml.h", "core/config.cpp", "core/pipeline.cpp"),
            ("boost/interprocess/mapped_region.hpp", "core/segment.cpp", "core/segment.hpp"),
            ("libwebsockets.h", "core/net/client.cpp", "gateway/session.cpp"),
            ("simdjson.h", "feed/decode.cpp", "strategies/a.cpp"),
            ("concurrentqueue/concurrentqueue.h", "core/log.cpp", "core/log.hpp"),
            ("CLI/CLI.hpp", "core/options.cpp", "feed/main.cpp"),
            ("zlib.h", "tools/venue/deflate.cpp", "tools/ctl/a.cpp"),
        ):
            with self.subTest(header=header):
                self.check(home, f"#include <{header}>\n")
                text = f"#pragma once\n#include <{header}>\n"
                self.check(elsewhere, text, "2: one-home")

    def test_banned_words_in_hot_files(self):
        for code in ("auto p = new int;", "throw 1;", "std::mutex m;", "std::function<void()> f;", "double d;",
                     "float f;", "usleep(1);", "auto t = std::chrono::system_clock::now();",
                     "std::string name;", "auto s = std::to_string(1);", "v.push_back(1);"):
            with self.subTest(code=code):
                self.check("risk/stage.cpp", f"\n{code}\n", "2: hot")
                self.check("risk/stage.cpp", f"{code}  // setup\n")
                self.check("risk/stage.cpp", f"// Reads files. Setup only.\n{code}\n")
                self.check("risk/config.cpp", f"{code}\n")
                self.check("risk/main.cpp", f"{code}\n")
                self.check("core/a.cpp", f"{code}\n")
                self.check("risk/stage.cpp", f'// {code}\n/* {code}\n {code} */ auto t = "{code}";\n')

    def test_harmless_words_pass(self):
        self.check("risk/stage.cpp", "int newest, doubled; std::string_view v; int n = 1'000'000;\n")

    def test_file_length(self):
        self.check("core/a.cpp", lines(500))
        self.check("core/a.cpp", lines(501), "1: size")

    def test_function_length(self):
        def function(count):
            return "namespace a {\nclass B {\n  void f(int x) {\n" + lines(count - 2) + "  }\n};\n}\n"
        self.check("core/a.cpp", function(70))
        self.check("core/a.cpp", function(71), "3: size")
        self.check("core/a.cpp", "enum class A {\n" + lines(100) + "};\nstruct B {\n" + lines(100) + "};\n")
        self.check("core/a.cpp", "void f() {\n  if (x) {\n" + lines(80) + "  }\n}\n", "1: size")

    def test_ratchet_may_only_shrink(self):
        ratchet = "tools/dev/size_ratchet.txt"
        big = {"core/a.cpp": lines(600)}
        self.assertEqual(self.run_tidy({**big, ratchet: "# why\ncore/a.cpp file 600\n"}), [])
        self.assertEqual(self.run_tidy({**big, ratchet: "core/a.cpp file 599\n"}), ["core/a.cpp:1: size"])
        self.assertEqual(self.run_tidy({**big, ratchet: "core/a.cpp file 601\n"}), [f"{ratchet}:1: ratchet"])
        self.assertEqual(self.run_tidy({"core/a.cpp": "int a;\n", ratchet: "\ncore/a.cpp file 600\n"}),
                         [f"{ratchet}:2: ratchet"])
        self.assertEqual(self.run_tidy({ratchet: "nonsense\n"}), [f"{ratchet}:1: ratchet"])

    def test_every_folder_has_a_readme(self):
        self.assertEqual(self.run_tidy({"bare/x.cpp": "int a;\n"}), ["bare:1: readme"])

    def test_hygiene(self):
        self.check("core/a.cpp", "int a; \n", "1: whitespace")
        self.check("core/a.cpp", "int a;\r\n", "1: whitespace")
        self.check("core/a.cpp", "\n\tint a;\n", "2: tab")
        self.check("core/a.cpp", "x" * 110 + "\n")
        self.check("core/a.cpp", "x" * 111 + "\n", "1: columns")
        self.check("core/a.cpp", "int a;", "1: newline")
        self.check("core/a.hpp", "int a;\n", "1: pragma-once")
        for word in ("TODO", "FIXME", "XXX", "HACK"):
            self.check("core/a.cpp", f"// {word} later\n", "1: unfinished")
        self.check("core/a.cpp", "auto t = mkstemp(\"XXXXXX\");\n")
        self.check("conf/a.toml", 'x = "/home/me/x"\n', "1: machine-path")
        self.check("core/a.md", "see .." "/shared/design\n", "1: machine-path")
        self.check("core/a.md", "see tools/" "work/x\n")


if __name__ == "__main__":
    unittest.main()
