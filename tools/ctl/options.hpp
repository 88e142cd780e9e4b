// What was asked for, as plain data: the result of reading the command line, the input of every
// verb.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/ctl/console.hpp"

namespace sluice::ctl {

struct Verb;

struct Options {
  const Verb* verb = nullptr;
  std::string instance;  // empty: the only live one (kill: every one)
  bool json = false;
  Color color = Color::Auto;

  std::string level = "HALT";
  std::string scope;  // empty: global, or all of them where a verb lists
  bool no_wait = false;
  std::int64_t timeout_ms = 0;  // 0 = the verb's own

  std::string word;
  std::string who;
  std::string reason;

  std::string first;        // VALUE, RING, PROCESS, STAGE, CONF, SHELL or STRATEGY
  std::string second;       // INSTRUMENT
  std::uint64_t count = 0;  // 0 = the verb's own default
  bool follow = false;
  bool all = false;
  std::int64_t watch_s = 0;  // 0 = since the start of the run
  std::string conf;
  bool fix = false;
  bool dry_run = false;
};

// What reading the command line can end in without a verb to run.
struct Parsed {
  Options options;
  std::optional<int> exit;  // set: all is said, leave with this code
  std::string out;          // for stdout
  std::string err;          // for stderr
};

// The only user of CLI11. Never throws for what the user typed.
Parsed parse_command_line(const std::vector<std::string>& arguments);

}  // namespace sluice::ctl
