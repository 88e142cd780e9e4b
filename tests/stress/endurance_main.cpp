// ring-endurance: see ring_endurance.hpp. One row per capacity and first sequence.
// Exit 0: every row is clean; 1: not; 2: usage; 3: it could not run.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "core/error.hpp"
#include "tests/stress/ring_endurance.hpp"

namespace {

using namespace sluice::test;
using Long = unsigned long long;

constexpr std::uint64_t kNear32 = (std::uint64_t{1} << 32) - 3;
constexpr std::uint64_t kNear63 = (std::uint64_t{1} << 63) - 3;

struct Options {
  std::vector<std::uint64_t> capacities{2, 4, 8, 65'536};
  std::vector<std::uint64_t> starts{kNear32, kNear63};
  std::uint64_t records = 1'000'000;
  std::string fault = "none";
};

std::string start_name(std::uint64_t start) {
  if (start == kNear32) return "2^32-3";
  if (start == kNear63) return "2^63-3";
  return std::to_string(start);
}

int run(const Options& options, RingFault fault) {
  std::printf("%8s %-8s %12s %8s %6s %6s %6s %8s %12s %12s %8s\n", "capacity", "start", "records",
              "seconds", "M/s", "lost", "torn", "doubled", "tap read", "tap missed", "tap torn");
  std::uint64_t records = 0, tapped = 0;
  bool clean = true;
  for (const std::uint64_t capacity : options.capacities)
    for (const std::uint64_t start : options.starts) {
      const EnduranceResult result = endure(
          {.capacity = capacity, .start = start, .records = options.records, .fault = fault});
      const std::string wrong = result.fault();
      std::printf("%8llu %-8s %12llu %8.1f %6.1f %6llu %6llu %8llu %12llu %12llu %8llu  %s\n",
                  Long{capacity}, start_name(start).c_str(), Long{result.received}, result.seconds,
                  static_cast<double>(result.received) / result.seconds / 1e6, Long{result.lost},
                  Long{result.torn}, Long{result.doubled}, Long{result.tap_read},
                  Long{result.tap_missed}, Long{result.tap_torn},
                  wrong.empty() ? "clean" : wrong.c_str());
      std::fflush(stdout);
      records += result.received;
      tapped += result.tap_read;
      clean = clean && wrong.empty();
    }
  std::printf("%llu records, %llu of them read by the tap: %s\n", Long{records}, Long{tapped},
              clean ? "clean" : "NOT clean");
  return clean ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "The ring between a producer, a consumer and a tap, each a process, every record judged."};
  app.add_option("--records", options.records, "in each row")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  app.add_option("--capacity", options.capacities, "powers of two; repeatable")
      ->check(CLI::Range(1, 1 << 24));
  app.add_option("--start", options.starts, "sequence of the first record; repeatable");
  app.add_option(
      "--fault", options.fault,
      "a mistake of the producer, which must be reported: not-cleared, word-first, lost, "
      "doubled");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const std::uint64_t capacity : options.capacities)
    if ((capacity & (capacity - 1)) != 0) {
      std::fprintf(stderr, "ring-endurance: --capacity %llu is no power of two\n", Long{capacity});
      return 2;
    }
  constexpr std::array kFaults{RingFault::None, RingFault::NotCleared, RingFault::WordFirst,
                               RingFault::Lost, RingFault::Doubled};
  const auto* const fault = std::find_if(kFaults.begin(), kFaults.end(), [&](RingFault known) {
    return name_of(known) == options.fault;
  });
  if (fault == kFaults.end()) {
    std::fprintf(stderr, "ring-endurance: there is no fault '%s' (see --help)\n",
                 options.fault.c_str());
    return 2;
  }
  try {
    return run(options, *fault);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ring-endurance: %s\n", error.what());
    return 3;
  }
}
