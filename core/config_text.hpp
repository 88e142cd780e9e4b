// The text half of the configuration: what a file that does not parse still tells. A parser stops
// at its first syntax error; Repair notes that fault, sets the offending piece aside and lets the
// parser try again, so that one run reports all faults. Used by config.cpp only; knows nothing of
// the parser.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"

namespace sluice::config {

// A key or value beginning with this stands for something that was set aside. Its fault is noted
// already, so neither its reader nor the search for unknown keys says more. No file spells it by
// accident.
inline constexpr std::string_view kAside = "\x01";

// The first byte that no text file has; a file with one is not parsed at all.
std::optional<Fault> find_binary(std::string_view text);

class Repair {
 public:
  explicit Repair(std::string_view text);

  // Takes the parser's complaint, adds the fault as the reader of the file should see it, and
  // replaces a value, a key, a header or a line. False if that does not help: the parser failed
  // there before.
  bool set_aside(Fault complaint, std::vector<Fault>& faults);

  // As many lines as the original, so that positions stay true.
  [[nodiscard]] std::string text() const;

 private:
  void set_header_aside(std::string& line, Fault& fault) const;
  bool set_key_aside(std::string& line, Fault& fault) const;
  void set_value_aside(std::string& line, Fault& fault) const;
  [[nodiscard]] std::string table_above(std::size_t line) const;

  std::vector<std::string> lines_;
  std::set<std::size_t> touched_;
};

// The text in quotes, escaped, cut to 40 bytes: safe on a terminal.
std::string quote(std::string_view text);

// Insertions, deletions and changes that turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace sluice::config
