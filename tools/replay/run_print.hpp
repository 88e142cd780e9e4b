// What `run` says. Text, JSON and CSV hold nothing of the host: the same capture and configuration
// give the same bytes. The one line that does not is timing_of().
#pragma once

#include <string>

#include "tools/replay/capture_run.hpp"

namespace sluice::replay {

std::string text_of(const RunResult& result);
std::string json_of(const RunResult& result);        // one line
std::string trades_csv_of(const RunResult& result);  // a header and one line per trade
std::string timing_of(const RunResult& result);      // host time per message, in words

}  // namespace sluice::replay
