// sluice-replay: proves from the journals that a run was what its code and its inputs make of it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "core/build.hpp"
#include "core/error.hpp"
#include "tools/replay/print.hpp"
#include "tools/replay/show.hpp"

namespace {

using namespace sluice;

constexpr const char* kFooter = R"(
A stage is a pure function of its journal. verify runs every journaled stage again, from the first entry,
and compares each record it emits, byte for byte, with the one its neighbour has consumed.

DIR is a run (<state_dir>/runs/00007) or a state directory, of which the newest run is taken.

Examples:
  sluice-replay verify /tmp/sluice-demo                    the newest run of the demo
  sluice-replay verify /tmp/sluice-demo/runs/00003 --json  one object, for a script
  sluice-replay show /tmp/sluice-demo risk --from 500 --count 20
  sluice-replay show /tmp/sluice-demo paper --json | jq 'select(.fields.what == "filled")'

What verify can say of an edge:
  identical                 the record consumed is the record emitted
  not yet consumed          emitted behind what the consumer has taken; only at the end of a run
  DIFFERENT                 the first record that differs, both decoded, with files and bytes
  not checked               its counterpart is where a journal is cut short (corrupt or torn)
A corrupt entry is reported and never skipped: its journal is replayed up to it.

Exit codes: 0 verified (show: shown), 1 different or corrupt, 2 wrong command line, 3 could not look: no
such run, a journal is missing or of another build, pipeline.toml cannot be used.)";

struct CommandLine {
  std::string dir;
  bool json = false;
  replay::ShowOptions show;
};

void write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    throw Error("cannot write to stdout");
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

int fail(const std::exception& error, Exit code) {
  std::fflush(stdout);
  fmt::print(stderr, "sluice-replay: {}\n", error.what());
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app(
      "Replays the journals of a run: same inputs, same code, same bytes - or the first "
      "difference.",
      "sluice-replay");
  app.footer(kFooter);
  app.set_version_flag("--version",
                       fmt::format("sluice-replay {} (build {})", version(), build_id()));
  app.require_subcommand(1);
  CLI::App* const verify_verb =
      app.add_subcommand("verify", "Run every stage again and compare what it emits");
  CLI::App* const show_verb =
      app.add_subcommand("show", "Print the entries of one journal, decoded");
  for (CLI::App* verb : {verify_verb, show_verb}) {
    verb->add_option("DIR", line.dir, "A run, or a state directory (its newest run)")->required();
    verb->add_flag("--json", line.json,
                   verb == verify_verb ? "One JSON object" : "One JSON object per entry");
  }
  show_verb->add_option("JOURNAL", line.show.journal, "risk, gateway, seat0 ... seat7, or paper")
      ->required();
  show_verb->add_option("--from", line.show.from, "First entry to show")->capture_default_str();
  show_verb->add_option("--count", line.show.count, "How many entries; all if not given");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
    std::cerr << "sluice-replay: " << error.what() << " (see --help)\n";
    return static_cast<int>(Exit::Usage);
  }
  try {
    const Exit code = verify_verb->parsed() ? verify(line) : show(line);
    if (std::fflush(stdout) != 0) throw Error("cannot write to stdout");
    return static_cast<int>(code);
  } catch (const Error& error) {
    return fail(error, error.code());
  } catch (const std::exception& error) {
    return fail(error, Exit::Unqualified);
  }
}
