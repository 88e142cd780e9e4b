// Where figures come from. A source takes each of its figures once per turn; whoever measures gives
// the turns, so that two builds can have them in alternation. A new one is a row in source.cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/baseline/series.hpp"
#include "bench/baseline/stretch.hpp"
#include "bench/machine/pair.hpp"

namespace sluice::bench {

struct Setting {
  Cpus cpus = {};  // `mine` has the work of one thread
  Stretch slow;    // for the detector's own test
};

struct Reading {
  Metric metric;
  double value = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  // One turn: at most a second, and warm from its first sample on, because the other side had the
  // CPU before. The same metrics, in the same order, each time. May throw Error.
  virtual std::vector<Reading> turn() = 0;
};

struct SourceEntry {
  std::string_view name;
  std::string_view what;
  bool by_default;    // measured if none is named
  bool stretches;     // obeys Setting::slow
  std::size_t turns;  // of a run
  std::unique_ptr<Source> (*make)(const Setting& setting);
};
std::span<const SourceEntry> sources() noexcept;
// Throws Error (Usage) that names those there are.
const SourceEntry& source_named(std::string_view name);

std::unique_ptr<Source> make_core_source(const Setting& setting);
std::unique_ptr<Source> make_hop_source(const Setting& setting);

}  // namespace sluice::bench
