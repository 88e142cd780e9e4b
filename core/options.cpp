// See options.hpp.
#include "core/options.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace sluice {

namespace {

// Optional targets keep "not given" apart from every value.
template <class T, class Target>
CLI::Option* add_optional(CLI::App& app, const std::string& name, Target& target,
                          const std::string& description) {
  return app.add_option_function<T>(
      name, [&target](const T& value) { target = static_cast<typename Target::value_type>(value); },
      description);
}

void add_common(CLI::App& app, const StageProgram& program, StageOptions& options) {
  app.set_version_flag("--version", program.name + " " + program.version,
                       "print the version and exit");
  app.add_option("--conf", options.conf, "the pipeline's configuration")
      ->required()
      ->type_name("FILE");
  add_optional<std::string>(app, "--instance", options.instance,
                            "instead of the configured instance")
      ->type_name("NAME");
  add_optional<std::string>(app, "--state-dir", options.state_dir,
                            "instead of the configured directory")
      ->type_name("DIR");
  add_optional<int>(app, "--cpu", options.cpu, "pin to this CPU; -1 = do not pin")
      ->check(CLI::Range(-1, 1023))
      ->type_name("N");
  app.add_option("--wait", options.wait_deadline_s,
                 "how long to wait for the segments; 0 = not at all")
      ->check(CLI::Range(0, 86'400))
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_flag("--check", options.check, "validate the configuration and exit");
  if (program.has_seat) {
    add_optional<int>(app, "--seat", options.seat, "the seat to take")
        ->required()
        ->check(CLI::Range(0, static_cast<int>(kSeats) - 1))
        ->type_name("N");
  }
}

}  // namespace

std::variant<StageOptions, Exit> parse_stage_options(int argc, const char* const* argv,
                                                     const StageProgram& program) {
  StageOptions options;
  CLI::App app(program.description, program.name);
  add_common(app, program, options);
  for (const ExtraFlag& extra : program.extra) {
    if (extra.flag) app.add_flag(extra.name, *extra.flag, extra.description);
    if (extra.text) app.add_option(extra.name, *extra.text, extra.description);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // The library has codes of its own above 100; ours are one list for all executables.
    if (error.get_exit_code() == 0) {
      app.exit(error, std::cout, std::cerr);
      return Exit::Ok;
    }
    std::cerr << program.name << ": " << error.what() << " (see --help)\n";
    return Exit::Usage;
  }
  return options;
}

}  // namespace sluice
