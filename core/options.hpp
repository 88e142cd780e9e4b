// The command line of the stage executables: few flags, the same for all. Everything else is in the
// configuration. The only user of CLI11 among the stages.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace sluice {

struct StageOptions {
  std::filesystem::path conf;                      // --conf FILE, required
  std::optional<std::string> instance;             // --instance NAME: instead of [instance] name
  std::optional<std::filesystem::path> state_dir;  // --state-dir DIR
  std::optional<SeatIndex> seat;                   // --seat N: strategies only, required there
  std::optional<int> cpu;                          // --cpu N; -1 = not pinned
  int wait_deadline_s = 30;  // --wait SECONDS for the segments; 0 = do not wait
  bool check = false;        // --check: validate the configuration and exit
};

// A flag of one executable beside the common ones. Exactly one target is set; it outlives the call.
struct ExtraFlag {
  std::string name;  // "--record"
  std::string description;
  bool* flag = nullptr;
  std::string* text = nullptr;
};

struct StageProgram {
  std::string name;  // "sluice-feed"
  std::string description;
  std::string version;  // "0.1.0 (build 4f2a...)"
  bool has_seat = false;
  std::vector<ExtraFlag> extra = {};
};

// Either options to run with or the exit code to leave with: --help and --version print to stdout
// and give Ok, a wrong command line prints one line to stderr and gives Usage.
std::variant<StageOptions, Exit> parse_stage_options(int argc, const char* const* argv,
                                                     const StageProgram& program);

}  // namespace sluice
