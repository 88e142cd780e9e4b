// Runs every piece of work for callgrind, which counts what happens inside `sluice_counted` and
// writes it down at each `sluice_count_taken`: first for rows of no calls, then for rows of many.
// The difference is the calls alone: neither start-up nor the frame around a row is in it. On
// stdout, in the same order: name and how many items the calls handled. Reads no clock.
#include <gnu/libc-version.h>
#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "bench/counts/count.hpp"
#include "core/error.hpp"

namespace sluice::bench {
namespace {

// Everything that decides a count and is not in this repository.
void print_built() {
  std::printf("compiler %s\nflags %s\nlibraries glibc %s, simdjson %s %s\n", SLUICE_COUNTS_COMPILER,
              SLUICE_COUNTS_FLAGS, gnu_get_libc_version(), SIMDJSON_STRINGIFY(SIMDJSON_VERSION),
              simdjson::get_active_implementation()->name().c_str());
}

int run(int argc, char** argv) {
  CLI::App app("Pieces of work for callgrind; bench/counts/counts.py runs it.", "sluice-counts");
  std::string conf = "conf/bench.toml", only;
  bool built = false;
  app.add_option("--conf", conf, "the pipeline of the whole turns")->capture_default_str();
  app.add_option("--only", only, "pieces whose name contains this");
  app.add_flag("--built", built, "says what built this program and what it is linked with");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::Usage);
  }
  try {
    if (built) {
      print_built();
      return 0;
    }
    count_core(only);
    count_driver(only);
    count_gates(only);
    count_feed(only);
    count_turn(only, conf);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-counts: %s\n", error.what());
    return static_cast<int>(Exit::No);
  }
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  return sluice::bench::run(argc, argv);
}
