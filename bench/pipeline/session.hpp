// What the modes that measure the pipeline have in common: their flags, one measured run, and how
// its figures are said.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/machine/out_file.hpp"
#include "bench/pipeline/rig.hpp"
#include "bench/pipeline/sla.hpp"
#include "bench/pipeline/source.hpp"
#include "bench/pipeline/spans.hpp"
#include "core/error.hpp"

namespace sluice::bench {

// As on the command line.
struct Session {
  RigPlan rig;
  std::string cpus;
  std::string wait = "auto";
  std::string recorder_wait = "auto";
  std::string origin = "synthetic";
  std::filesystem::path sla = "conf/sla.toml";
  std::string json;
  std::string svg;
  std::int64_t rate = 10'000;
  double seconds = 30;
  double warm_up_s = 2;
  std::uint64_t order_every = 100;
  std::uint64_t seed = 1;
  bool unqualified_ok = false;
  std::size_t bare_blocks = 0;  // of the same topology without work, in between
};

// Flags of every mode. `bind_session` reads what they say; throws Error (Usage).
void add_session_flags(CLI::App& line, Session& session);
void bind_session(Session& session);
// "auto", "spin", "yield", "nap": what --wait takes, and which one a word names.
const std::vector<std::string>& wait_names();
WaitStrategy wait_named(const std::string& name);
// --rate and --seconds, for modes that are one run at one rate.
void add_rate_flags(CLI::App& line, Session& session);
void add_seconds_flags(CLI::App& line, Session& session);

// Beside every figure: where and how it was taken.
struct Setting {
  std::string mode;
  std::vector<std::string> unfit;  // what the doctor holds against this machine; empty: qualified
  Placement place;
  std::string wait;         // of every process
  WaitStrategy strategy{};  // of the seat
  std::string source;       // "synthetic, open loop" or "venue at speed 12"
  std::string build;
};

struct Measured {
  Setting setting;
  Sent sent;
  Spans spans;
  std::vector<HopFigures> hops;
  double rate = 0;     // ticks per second, really
  double seconds = 0;  // from the first tick to the last
};

// One run of its own at this rate (0: closed loop), reconciled: nothing was lost. Throws Error.
Measured measure(const Session& session, const std::string& mode, std::int64_t rate,
                 double seconds);

// The most that such a run can file. ticks: of the whole run.
std::uint64_t journal_bytes(std::uint64_t ticks) noexcept;

std::vector<std::string> setting_lines(const Setting& setting);
std::string table_of(const Measured& measured);
// Missed rows, or that all are met.
std::string verdict_of(const std::vector<SlaRow>& rows, bool qualified);
// `more`: further members, "\"key\": value".
std::string json_of(const Measured& measured, const std::vector<SlaRow>& rows,
                    const std::string& more = {});
// `"key": "value"` of the setting, without braces: the beginning of every mode's object.
std::string setting_json(const Setting& setting);

// What is said of where and how: to be filled in by every mode, waits once all have chosen.
Setting setting_of(const std::string& mode, const std::string& source, Rig& rig);

// Ok or No by the rows; Unqualified if the machine is unfit and that was not accepted.
Exit exit_of(const Session& session, const Setting& setting, bool met) noexcept;

}  // namespace sluice::bench
