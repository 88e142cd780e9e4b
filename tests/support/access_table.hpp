// The access table of ARCHITECTURE.md, read from its text: what the code and the kernel are
// compared with.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::test {

struct AccessRow {
  std::string group;
  unsigned mode = 0;
  std::map<std::string, std::string> cells;  // role -> "rw", "r", "-"
};

// "ring.feed-seat3" -> "ring.feed-seatN"
inline std::string seat_as_n(std::string object) {
  const std::size_t at = object.find("seat");
  if (at != std::string::npos) object[at + 4] = 'N';
  return object;
}

inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  std::string cell;
  std::getline(in, cell, '|');
  while (std::getline(in, cell, '|')) {
    std::string bare;
    for (const char c : cell)
      if (c != ' ' && c != '`') bare += c;
    cells.push_back(bare);
  }
  return cells;
}

inline std::map<std::string, AccessRow> access_table(const std::string& document) {
  std::ifstream file(document);
  std::string line;
  while (std::getline(file, line) && line != "## Access") continue;
  std::vector<std::string> heads;
  std::map<std::string, AccessRow> rows;
  while (std::getline(file, line) && !line.starts_with("## ")) {
    if (!line.starts_with("| object |") && heads.empty()) continue;
    if (!line.starts_with("|")) break;
    const std::vector<std::string> cells = cells_of(line);
    if (heads.empty()) {
      heads = cells;
      continue;
    }
    if (cells[0].starts_with("---")) continue;
    AccessRow row{cells.at(1), static_cast<unsigned>(std::stoul(cells.at(2), nullptr, 8)), {}};
    for (std::size_t i = 3; i < heads.size(); ++i) row.cells[heads[i]] = cells.at(i);
    rows.emplace(cells[0], row);
  }
  if (rows.empty()) throw std::runtime_error(document + ": no access table");
  return rows;
}

}  // namespace sluice::test
