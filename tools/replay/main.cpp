// sluice-replay: what a run was (verify, show, export), and what a capture would make of one (run).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "core/build.hpp"
#include "core/error.hpp"
#include "tools/replay/capture_run.hpp"
#include "tools/replay/export.hpp"
#include "tools/replay/print.hpp"
#include "tools/replay/run_print.hpp"
#include "tools/replay/show.hpp"

namespace {

using namespace sluice;

constexpr const char* kFooter = R"(
A stage is a pure function of its journal. verify runs every journaled stage again, from the first entry,
and compares each record it emits, byte for byte, with the one its neighbour has consumed. run plays a
recorded capture through the same code: all stages, their drivers and the paper venue in one thread, without
processes, network or waiting.

DIR is a run (<state_dir>/runs/00007) or a state directory, of which the newest run is taken.

Examples:
  sluice-replay verify /tmp/sluice-demo                    the newest run of the demo
  sluice-replay verify /tmp/sluice-demo/runs/00003 --json  one object, for a script
  sluice-replay show /tmp/sluice-demo risk --from 500 --count 20
  sluice-replay show /tmp/sluice-demo paper --json | jq 'select(.fields.what == "filled")'
  sluice-replay run tests/data/binance_spot_btcusdt_20240808.gz --conf conf/demo.toml
  sluice-replay run tape.gz --conf c.toml --from 26619 --seconds 56 --json --trades trades.csv
  sluice-replay export /tmp/sluice-demo --csv out          out/risk.csv, out/gateway.csv, ...
  sluice-replay export /tmp/sluice-demo --csv --journal paper | head

What verify can say of an edge:
  identical                 the record consumed is the record emitted
  not yet consumed          emitted behind what the consumer has taken; only at the end of a run
  DIFFERENT                 the first record that differs, both decoded, with files and bytes
  not checked               its counterpart is where a journal is cut short (corrupt or torn)
A corrupt entry is reported and never skipped: its journal is replayed up to it.

run prints the same bytes each time; how long it took goes to stderr. Permits are granted and the cap is
that of [supervisor]; host time is the capture's divided by the rate of [market].

Exit codes: 0 verified, shown, run or exported; 1 different or corrupt, a damaged capture, a file that
cannot be written; 2 wrong command line or configuration, no such capture; 3 could not look: no such run,
a journal is missing or of another build, the run's pipeline.toml cannot be used.)";

struct CommandLine {
  std::string dir;
  bool json = false;
  replay::ShowOptions show;
  replay::RunOptions run;
  std::string trades;
  replay::ExportOptions csv;
};

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    throw Error("cannot write to stdout");
}

void say(std::string_view text) {
  fmt::print(stderr, "sluice-replay: {}\n", text);
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) throw Error(fmt::format("{}: cannot be written", path));
}

Exit verify(const CommandLine& line) {
  const replay::Verification result = replay::verify(line.dir);
  write_out(line.json ? replay::json_of(result) : replay::text_of(result));
  return result.verified() ? Exit::Ok : Exit::No;
}

Exit show(CommandLine& line) {
  line.show.dir = line.dir;
  line.show.json = line.json;
  return replay::show(line.show, write_out);
}

Exit run(const CommandLine& line) {
  const replay::RunResult result = replay::run_capture(line.run);
  for (const std::string& warning : result.warnings) say("warning: " + warning);
  if (!line.trades.empty()) write_file(line.trades, replay::trades_csv_of(result));
  write_out(line.json ? replay::json_of(result) : replay::text_of(result));
  std::fflush(stdout);
  say(replay::timing_of(result));
  return Exit::Ok;
}

Exit export_csv(CommandLine& line) {
  line.csv.dir = line.dir;
  if (line.csv.out.empty() && line.csv.journal.empty())
    throw Error(Exit::Usage,
                "export --csv: a directory for the files, or --journal NAME for stdout");
  Exit code = Exit::Ok;
  for (const replay::Exported& done : replay::export_run(line.csv, write_out)) {
    say(fmt::format("{}: {} rows", done.journal, done.rows));
    if (done.damage.empty()) continue;
    say(fmt::format("{}: ends early: {}", done.journal, done.damage));
    code = Exit::No;
  }
  return code;
}

int fail(const std::exception& error, Exit code) {
  std::fflush(stdout);
  say(error.what());
  return static_cast<int>(code);
}

// One verb of the command line; `act` is called if it was given.
struct Verb {
  CLI::App* app;
  Exit (*act)(CommandLine&);
};

CLI::App* add_verify(CLI::App& app, CommandLine& line) {
  CLI::App* const verb =
      app.add_subcommand("verify", "Run every stage again and compare what it emits");
  verb->add_option("DIR", line.dir, "A run, or a state directory (its newest run)")->required();
  verb->add_flag("--json", line.json, "One JSON object");
  return verb;
}

CLI::App* add_show(CLI::App& app, CommandLine& line) {
  CLI::App* const verb = app.add_subcommand("show", "Print the entries of one journal, decoded");
  verb->add_option("DIR", line.dir, "A run, or a state directory (its newest run)")->required();
  verb->add_flag("--json", line.json, "One JSON object per entry");
  verb->add_option("JOURNAL", line.show.journal, "risk, gateway, seat0 ... seat7, or paper")
      ->required();
  verb->add_option("--from", line.show.from, "First entry to show")->capture_default_str();
  verb->add_option("--count", line.show.count, "How many entries; all if not given");
  return verb;
}

CLI::App* add_run(CLI::App& app, CommandLine& line) {
  CLI::App* const verb =
      app.add_subcommand("run", "Play a recorded capture through the live code, without waiting");
  verb->add_option("CAPTURE", line.run.capture, "gzip of \"<receive ns> <JSON>\" lines")
      ->required();
  verb->add_option("--conf", line.run.conf, "The configuration; all its seats and instruments")
      ->required();
  verb->add_flag("--json", line.json, "One JSON object");
  verb->add_option("--trades", line.trades, "Write the trades to this file, as CSV");
  verb->add_option("--from", line.run.from, "First line of the capture")->capture_default_str();
  auto* const to = verb->add_option("--to", line.run.to, "Last line of the capture");
  verb->add_option("--seconds", line.run.seconds, "N seconds of the capture, beginning at --from")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
      ->excludes(to);
  return verb;
}

CLI::App* add_export(CLI::App& app, CommandLine& line) {
  CLI::App* const verb = app.add_subcommand("export", "Write the journals of a run as CSV");
  verb->add_option("DIR", line.dir, "A run, or a state directory (its newest run)")->required();
  verb->add_option("--csv", line.csv.out, "Directory for JOURNAL.csv; none with --journal: stdout")
      ->expected(0, 1)
      ->required();
  verb->add_option("--journal", line.csv.journal,
                   "Only this one: risk, gateway, seat0 ... seat7, or paper");
  return verb;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app(
      "Replays the journals of a run: same inputs, same code, same bytes - or the first "
      "difference. Plays captures.",
      "sluice-replay");
  app.footer(kFooter);
  app.set_version_flag("--version",
                       fmt::format("sluice-replay {} (build {})", version(), build_id()));
  app.require_subcommand(1);
  const std::array<Verb, 4> verbs{
      Verb{add_verify(app, line), [](CommandLine& given) { return verify(given); }},
      Verb{add_show(app, line), show},
      Verb{add_run(app, line), [](CommandLine& given) { return run(given); }},
      Verb{add_export(app, line), export_csv}};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
    std::cerr << "sluice-replay: " << error.what() << " (see --help)\n";
    return static_cast<int>(Exit::Usage);
  }
  try {
    Exit code = Exit::Ok;
    for (const Verb& verb : verbs)
      if (verb.app->parsed()) code = verb.act(line);
    if (std::fflush(stdout) != 0) throw Error("cannot write to stdout");
    return static_cast<int>(code);
  } catch (const Error& error) {
    return fail(error, error.code());
  } catch (const std::exception& error) {
    return fail(error, Exit::Unqualified);
  }
}
