// One demonstration from beginning to end: venue and supervisor are started, the tape is watched,
// the drill is held, everything is stopped in order and judged. Whatever happens, no process, no
// shared memory and (on success) no file is left behind.
#pragma once

#include <filesystem>
#include <string>

namespace sluice::demo {

struct Options {
  std::filesystem::path conf = "conf/demo.toml";
  std::filesystem::path capture = "tests/data/binance_spot_btcusdt_20240808.gz";
  std::string instance = "demo";
  std::string speed = "12";
  std::string json;  // file; empty = none
  bool keep = false;
  bool color = true;
};

// Returns the exit code. Throws Error for what went wrong before anything ran.
int run_demo(const Options& options);

}  // namespace sluice::demo
