// `run`: a recorded capture through the live code, as fast as it goes. Feed, every configured seat,
// risk and the paper gateway, each behind its real driver (tools/replay/pipeline.hpp), one thread,
// no sleep, no file written.
//
// Host time is virtual: a frame is in hand at start + (its receive time - the first one's) / rate,
// with the rate of [market]: what a venue at that speed would have brought. Between frames time
// stops at whatever is due without a record: a stage's deadline, something of the paper venue, and
// at least every kStep. So two runs are the same to the last byte, and what seats decide is what
// they decide live at any speed.
//
// Permits, caps and heartbeats are the simulated supervisor's: granted from the first frame on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/pipeline.hpp"
#include "core/records.hpp"
#include "tools/replay/ledger.hpp"
#include "tools/replay/run_config.hpp"

namespace sluice::venue {
class Tape;
struct Part;
}  // namespace sluice::venue

namespace sluice::replay {

struct RunOptions {
  std::filesystem::path capture;
  std::filesystem::path conf;
  std::size_t from = 1;      // first line of the capture
  std::size_t to = 0;        // last line; 0: the capture's last
  std::int64_t seconds = 0;  // of capture, from `from` on; 0: no bound
};

struct Count {
  std::string name;
  std::uint64_t n = 0;
};

struct RunResult {
  std::string capture;
  std::size_t first_line = 0;
  std::size_t last_line = 0;
  Duration market{};  // between the first and the last receive time
  PipelineConfig pipeline;
  std::uint64_t config_hash = 0;
  std::vector<std::string> warnings;  // what a person should know before believing the numbers

  std::uint64_t messages = 0;
  std::vector<Count> refused_messages;  // by decode error
  std::uint64_t quotes = 0;
  std::uint64_t trade_ticks = 0;
  std::uint64_t statuses = 0;
  std::uint64_t gaps = 0;             // of the venue
  std::uint64_t missing_updates = 0;  // that these stand for
  std::uint64_t dropped = 0;          // ticks that a ring had no room for
  std::uint64_t signals = 0;
  std::vector<Count> not_formed;  // signals that became no intent, and what could not be judged
  std::vector<Intent> intents;    // as risk took them
  std::uint64_t entries = 0;      // orders as the gateway took them
  std::uint64_t exits = 0;
  std::uint64_t cancels = 0;
  std::uint64_t fills = 0;
  std::vector<Count> exits_by_kind;
  std::vector<Count> rejects;  // intents and orders refused, by reason
  std::vector<Trade> trades;
  Notional realised{};
  Notional open{};
  Notional max_drawdown{};  // of realised + open, from its highest point (at least 0) down

  // The host's own time: differs from run to run, so no part of what is printed as data.
  std::vector<std::int64_t> message_ns;
};

// Throws Error: a capture or a configuration that cannot be used, or that have nothing in common.
RunResult run_capture(const RunOptions& options);
RunResult run_tape(const venue::Tape& tape, const venue::Part& part, const RunConfig& config);

}  // namespace sluice::replay
