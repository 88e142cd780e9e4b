#!/usr/bin/env python3
"""The installation and its systemd units: install_test.py SOURCE BUILD CMAKE [unittest arguments]."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE, BUILD, CMAKE = sys.argv[1:4]
PROGRAMS = ("sluicectl", "sluice-feed", "sluice-gateway", "sluice-recorder", "sluice-replay", "sluice-risk",
            "sluice-strategy", "sluice-supervisor", "sluice-venue")
UNITS = ["sluice@.target"] + [f"sluice-{p}@.service" for p in (
    "feed", "gateway", "recorder", "risk", "supervisor", *(f"strategy-{n}" for n in range(8)))]
# systemd 252 counts strategy, risk, gateway and recorder at 0.5, the supervisor (kill, chown, AF_UNIX) at 1.0,
# the feed (network) at 1.3.
EXPOSURE = {"strategy": 2.0, "risk": 2.0, "gateway": 2.0, "recorder": 2.0, "supervisor": 2.0, "feed": 2.0}
ANALYZE = shutil.which("systemd-analyze")


def run(*words, **more):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, **more)


def cached(name):
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        return re.search(rf"^{name}:\w+=(.*)$", file.read(), re.M).group(1)


class Installed(unittest.TestCase):
    """One installation for all cases."""

    @classmethod
    def setUpClass(cls):
        cls.stage = tempfile.mkdtemp(prefix="sluice-install-")
        done = run(CMAKE, "--install", BUILD, env={**os.environ, "DESTDIR": cls.stage})
        if done.returncode != 0:
            raise AssertionError(done.stdout)
        cls.prefix = cls.stage + cached("CMAKE_INSTALL_PREFIX")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.stage)

    def path(self, *parts):
        return os.path.join(self.prefix, *parts)

    def read(self, *parts):
        with open(self.path(*parts), encoding="utf-8") as file:
            return file.read()

    def units(self):
        return {name: self.read("lib/systemd/system", name) for name in UNITS}


class Install(Installed):
    def test_exactly_these_files(self):
        wanted = {f"bin/{p}" for p in PROGRAMS}
        wanted |= {f"share/doc/sluice/{d}" for d in ("README.md", "ARCHITECTURE.md", "RUNBOOK.md", "CHANGELOG.md",
                                                     "LICENSE")}
        wanted |= {f"share/sluice/{c}" for c in ("pipeline.toml", "demo.toml", "cpu.conf.example")}
        wanted |= {f"share/sluice/data/{d}" for d in ("binance_spot_btcusdt_20240808.gz", "LICENSE.hftbacktest",
                                                      "README.md")}
        wanted |= {f"lib/systemd/system/{u}" for u in UNITS}
        wanted |= {"lib/sysusers.d/sluice.conf", "lib/tmpfiles.d/sluice.conf"}
        found = {os.path.relpath(f, self.prefix) for f in glob.glob(self.prefix + "/**", recursive=True)
                 if os.path.isfile(f)}
        self.assertEqual(found, wanted)
        elsewhere = [f for f in glob.glob(self.stage + "/**", recursive=True)
                     if os.path.isfile(f) and not f.startswith(self.prefix + "/")]
        self.assertEqual(elsewhere, [])

    def test_programs_run_from_there(self):
        versions = set()
        for program in PROGRAMS:
            done = run(self.path("bin", program), "--version")
            self.assertEqual(done.returncode, 0, program + done.stdout)
            self.assertRegex(done.stdout, rf"^{program} \d+\.\d+\.\d+ \(build [0-9a-z-]+\)\n$")
            versions.add(done.stdout.partition(" ")[2])
        self.assertEqual(len(versions), 1, "of one build")

    def test_every_program_answers_help_and_refuses_what_it_does_not_know(self):
        for program in PROGRAMS:
            with self.subTest(program):
                for word in ("--help", "-h"):
                    done = subprocess.run([self.path("bin", program), word], capture_output=True, text=True,
                                          timeout=60)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertIn(program, done.stdout)
                for wrong in (["--no-such-option"], ["no-such-word"]):
                    done = subprocess.run([self.path("bin", program), *wrong], capture_output=True, text=True,
                                          timeout=60)
                    self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)
                    self.assertRegex(done.stderr, rf"^{program}: [^\n]+\n$", "one line that begins with who says it")

    def test_the_shipped_configuration_passes(self):
        for name in ("pipeline.toml", "demo.toml"):
            conf = self.path("share/sluice", name)
            for done in (run(self.path("bin/sluice-supervisor"), "--check", "--conf", conf),
                         run(self.path("bin/sluicectl"), "check", conf)):
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_access_section_of_the_default_passes_when_it_is_taken_in(self):
        text = self.read("share/sluice/pipeline.toml")
        section = re.search(r"^#   \[access\]\n(?:#   \w+ = .*\n)+", text, re.M).group()
        conf = os.path.join(self.stage, "access.toml")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text + re.sub(r'(")\s{2}', r"\1 # ", re.sub(r"^#   ", "", section, flags=re.M)))
        done = run(self.path("bin/sluice-supervisor"), "--check", "--conf", conf)
        self.assertEqual(done.returncode, 0, done.stdout)
        named = set(re.findall(r'= "([\w-]+)"', section))
        made = set(re.findall(r"^[ug] ([\w-]+)", self.read("lib/sysusers.d/sluice.conf"), re.M))
        self.assertEqual(named, made)

    def test_recorded_data_carry_their_licence(self):
        self.assertIn("MIT", self.read("share/sluice/data/README.md"))
        self.assertIn("Permission is hereby granted", self.read("share/sluice/data/LICENSE.hftbacktest"))


class Units(Installed):
    def commands(self):
        for name, text in self.units().items():
            for command in re.findall(r"^ExecStart=(.+)$", text, re.M):
                yield name, command.split()

    def test_they_name_programs_and_flags_that_exist(self):
        seen = 0
        for name, words in self.commands():
            program = self.stage + words[0]
            self.assertTrue(os.access(program, os.X_OK), f"{name}: {words[0]}")
            usage = run(program, "--help").stdout
            for flag in (w for w in words[1:] if w.startswith("--")):
                self.assertRegex(usage, rf"{flag}\b", f"{name}: {words[0]} has no {flag}")
            seen += 1
        self.assertEqual(seen, len(UNITS) - 1)

    def test_each_seat_has_its_number(self):
        for seat in range(8):
            self.assertIn(f"--seat {seat}\n", self.units()[f"sluice-strategy-{seat}@.service"])

    def test_their_users_are_made_and_are_the_roles_of_the_configuration(self):
        made = set(re.findall(r"^u ([\w-]+)", self.read("lib/sysusers.d/sluice.conf"), re.M))
        used = {re.search(r"^User=(.+)$", text, re.M).group(1)
                for name, text in self.units().items() if name.endswith(".service")}
        self.assertEqual(used, made)

    def test_nothing_is_left_to_replace(self):
        for name, text in self.units().items():
            self.assertNotRegex(text, r"@[A-Z_]+@", name)

    def test_restarts_are_those_of_the_supervisor(self):
        text = self.read("share/sluice/pipeline.toml")
        limit = int(re.search(r"^crash_limit = (\d+)", text, re.M).group(1))
        window = re.search(r"^crash_window_s = (\d+)", text, re.M).group(1)
        for name, unit in self.units().items():
            if name.endswith(".service"):
                self.assertIn(f"StartLimitBurst={limit + 1}\n", unit, name)
                self.assertIn(f"StartLimitIntervalSec={window}\n", unit, name)
                self.assertNotRegex(unit, r"(?m)^(BindsTo|PartOf|Requires)=.*supervisor", name)
                self.assertNotRegex(unit, r"(?m)^(PrivateIPC|PrivateUsers|DynamicUser)=yes", name)


def expanded(group, seen=None):
    """The system calls of a filter set of systemd."""
    seen = seen if seen is not None else set()
    if group in seen:
        return set()
    seen.add(group)
    calls = set()
    for line in run(ANALYZE, "syscall-filter", group).stdout.split("\n")[1:]:
        word = line.strip().split("#")[0].strip()
        if word.startswith("@"):
            calls |= expanded(word, seen)
        elif word:
            calls.add(word)
    return calls


def allowed(unit):
    calls = set()
    for value in re.findall(r"^SystemCallFilter=(.+)$", unit, re.M):
        names = set().union(*(expanded(word) for word in value.lstrip("~").split()))
        calls = calls - names if value.startswith("~") else calls | names
    return calls


@unittest.skipUnless(ANALYZE, "systemd-analyze is not installed")
class Systemd(Installed):
    def staged_units(self):
        """Copies whose programs are those of this installation."""
        folder = os.path.join(self.stage, "units")
        os.makedirs(folder, exist_ok=True)
        for name, text in self.units().items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(re.sub(r"^(ExecStart=)", rf"\1{self.stage}", text, flags=re.M))
        return folder

    def test_verify(self):
        folder = self.staged_units()
        done = run(ANALYZE, "verify", *(os.path.join(folder, name) for name in UNITS))
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_verify_would_find_a_wrong_directive(self):
        folder = self.staged_units()
        with open(os.path.join(folder, "sluice-risk@.service"), "a", encoding="utf-8") as file:
            file.write("[Service]\nNoSuchDirective=yes\n")
        done = run(ANALYZE, "verify", os.path.join(folder, "sluice-risk@.service"))
        self.assertIn("NoSuchDirective", done.stdout)

    def test_exposure(self):
        folder = self.staged_units()
        for name in UNITS[1:]:
            done = run(ANALYZE, "security", "--offline=true", "--no-pager", os.path.join(folder, name))
            score = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
            self.assertIsNotNone(score, done.stdout)
            limit = EXPOSURE[re.sub(r"sluice-|-\d|@.service", "", name)]
            print(f"{name} {score.group(1)} (at most {limit})")
            self.assertLessEqual(float(score.group(1)), limit, name)

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_filters_allow_what_a_run_calls(self):
        calls = self.traced()
        for program in ("supervisor", "recorder", "gateway", "risk", "strategy", "feed"):
            unit = self.units()[f"sluice-{program}{'-0' if program == 'strategy' else ''}@.service"]
            self.assertIn("mlockall" if program != "supervisor" else "listen", calls[program])
            self.assertEqual(calls[program] - allowed(unit), set(), program)
            if "RestrictAddressFamilies=none" in unit:
                self.assertEqual({c for c in calls[program] if c.startswith("sock")}, set(), program)

        strictest = allowed(self.units()["sluice-risk@.service"])
        self.assertIn("write", calls["threads"])
        self.assertEqual(calls["threads"] - strictest, set(), "threads")

    def test_filters_allow_what_that_run_had_no_reason_to_call(self):
        """Access lists, groups, fencing, the watchdog: of the supervisor under systemd."""
        filter_set = allowed(self.units()["sluice-supervisor@.service"])
        needed = {"fsetxattr", "fgetxattr", "fchown", "fchownat", "lchown", "chmod", "fchmod", "kill", "pidfd_open",
                  "pidfd_send_signal", "getgroups", "getsockopt", "sendto", "unlink"}
        self.assertEqual(needed - filter_set, set())
        self.assertEqual({"setuid", "setgroups", "ptrace", "mount"} & allowed(self.units()["sluice-risk@.service"]),
                         set(), "the filters would let anything pass")

    def traced(self):
        """{program: system calls} of a run that has traded nothing but was armed and stopped in order."""
        folder = os.path.join(self.stage, "traced")
        os.makedirs(folder)
        name = f"strace-{os.getpid()}"
        words = ["--instance", name, "--state-dir", folder + "/state"]
        supervisor = subprocess.Popen(
            ["strace", "-ff", "-qq", "-o", folder + "/calls", self.path("bin/sluice-supervisor"), "--conf",
             self.path("share/sluice/demo.toml"), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 60
            while run(self.path("bin/sluicectl"), "status", "-i", name).stdout.count(" ready ") < 6:
                self.assertLess(time.monotonic(), until, "the processes are not ready")
                time.sleep(0.2)
            run(self.path("bin/sluicectl"), "stop", "-i", name)
            supervisor.wait(60)
        finally:
            supervisor.kill()
            for left in glob.glob(f"/dev/shm/sluice.{name}.*"):
                os.remove(left)
        found = {}
        for file in glob.glob(folder + "/calls.*"):
            with open(file, encoding="utf-8", errors="replace") as lines:
                text = lines.read()
            program, at = re.search(r'execve\("[^"]*/sluice-(\w+)"', text), 0
            if program:
                at = program.end()
            names = set(re.findall(r"^(\w+)\(", text[at:], re.M))
            found.setdefault(program.group(1) if program else "threads", set()).update(names)
        return found


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
