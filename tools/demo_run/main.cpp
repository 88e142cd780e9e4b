// sluice-demo: the whole pipeline on a recorded session, once, with a kill drill and a closing
// report.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "core/build.hpp"
#include "core/error.hpp"
#include "core/process.hpp"
#include "tools/demo_run/run.hpp"

namespace {

constexpr const char* kFooter = R"(
Starts sluice-venue and sluice-supervisor from its own directory, in a fresh state directory under $TMPDIR
that is removed at the end unless --keep is given or the run failed.

Exit codes: 0 every expectation of the report is met, 1 one is not (each is named) or nothing could be run,
2 wrong command line, 130 stopped by Ctrl-C, in order.)";

// The market clock of the pipeline runs at this rate, so "as fast as possible" is not a speed.
std::string check_speed(std::string& text) {
  char* end = nullptr;
  const double speed = std::strtod(text.c_str(), &end);
  if (end != nullptr && *end == 0 && text.find_first_not_of("0123456789.") == std::string::npos &&
      speed >= 0.1 && speed <= 100)
    return {};
  return "expected a factor from 0.1 to 100, got " + text;
}

void describe(CLI::App& app, sluice::demo::Options& options) {
  app.footer(kFooter);
  app.set_version_flag(
      "--version", fmt::format("sluice-demo {} (build {})", sluice::version(), sluice::build_id()));
  app.add_option("--speed", options.speed, "Market seconds per second")
      ->capture_default_str()
      ->check(CLI::Validator(check_speed, "FACTOR"));
  app.add_option("--json", options.json, "Write the report to this file as well")
      ->type_name("FILE");
  app.add_option("--conf", options.conf, "Configuration; port and speed are replaced in a copy")
      ->capture_default_str();
  app.add_option("--capture", options.capture, "The recorded session")->capture_default_str();
  app.add_option("--instance", options.instance, "Name of the instance")->capture_default_str();
  app.add_flag("--keep", options.keep, "Keep journals and logs, and say where");
  app.add_flag("!--no-color", options.color, "No colours; NO_COLOR is respected as well");
}

}  // namespace

int main(int argc, char** argv) {
  sluice::demo::Options options;
  CLI::App app("The whole pipeline on a recorded session, once, with a kill drill and a report.",
               "sluice-demo");
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(sluice::Exit::Usage);
  }
  sluice::StopSignal::install();
  std::signal(SIGPIPE, SIG_IGN);  // `| head` must not leave a run behind
  try {
    return sluice::demo::run_demo(options);
  } catch (const sluice::Error& error) {
    fmt::print(stderr, "sluice-demo: {}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice-demo: {}\n", error.what());
    return 1;
  }
}
