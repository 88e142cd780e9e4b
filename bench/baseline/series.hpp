// What a comparison is made of: a metric, and what several runs saw of it. The same in memory, in
// the file of a baseline, and in the line that a measuring process answers with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::bench {

enum class Better : std::uint8_t { Lower = 1, Higher = 2 };

enum class Role : std::uint8_t {
  Judged = 1,
  JudgedInTurns = 2,  // plain time, which moves with the machine: in turns it moves for both sides
  JudgedApart = 3,    // the same beside a yardstick, which varies by some percent with the build
  Shown = 4,          // moves with the placement of a guest's CPUs: no verdict depends on it
  Condition = 5       // of the machine: two sides taken apart that differ in it are not comparable
};

struct Metric {
  std::string name;  // source and figure: "core.push_poll"
  std::string unit;  // "ns"; "x" for what is divided by a floor or yardstick of the same moment
  Better better = Better::Lower;
  double quantile = 0.5;  // which one of a run's samples stands for the run
  // Smaller values count as this one, so that a change below it is none. Above 0 if the figure may
  // be 0.
  double resolution = 0;
  Role role = Role::Judged;

  friend bool operator==(const Metric&, const Metric&) = default;
};

// Samples of one process, in the order in which they were taken; never none. Runs differ by what
// stays for the life of a process (where its memory lies), samples by what happens meanwhile.
using Run = std::vector<double>;

struct Series {
  Metric metric;
  std::vector<Run> runs;
};

}  // namespace sluice::bench
