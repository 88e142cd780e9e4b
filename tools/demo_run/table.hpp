// The live view: a table redrawn in place on a terminal of 80x24 or more, a line every five seconds
// everywhere else. Nothing is written that a log file could not hold unless stdout is a terminal.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tools/demo_run/view.hpp"

namespace sluice::demo {

inline constexpr int kColumns = 80;
inline constexpr int kRowsNeeded = 24;

struct Progress {
  std::uint64_t expected = 0;  // messages on the tape
  double tape_s = 0;           // its length
  std::string speed;
  std::string drill;  // one line about the kill drill
};

// Pure: the lines of the table, none longer than kColumns - 1, at most kRowsNeeded - 2 of them.
std::vector<std::string> table_lines(const Sample& before, const Sample& now,
                                     const Progress& progress);
std::string progress_line(const Sample& now, const Progress& progress, double elapsed_s);

class Screen {
 public:
  explicit Screen(bool color);

  void show(const Sample& now, const Progress& progress);
  // A line for good, above the table.
  void say(const std::string& line);
  // What stands on the screen stays there; the next table starts below it.
  void leave() { drawn_ = 0; }
  [[nodiscard]] bool color() const noexcept { return color_; }
  // Bold, green or red if this is a terminal that wants it.
  [[nodiscard]] std::string paint(const char* code, const std::string& text) const;

 private:
  [[nodiscard]] bool fits() const noexcept;
  void redraw(const std::vector<std::string>& lines);
  void erase();

  bool terminal_;
  bool color_;
  int drawn_ = 0;  // lines of the table that stand on the screen
  Sample before_{};
  Sample recent_{};
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_line_{};
};

}  // namespace sluice::demo
