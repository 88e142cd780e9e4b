// Reading what programs have written: lines of output, files, the tape.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/box.hpp"

namespace sluice::e2e {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Exactly one line with all of the words.
inline void expect_one_line(const Outcome& outcome, int exit_code,
                            const std::vector<std::string>& words) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out;
  EXPECT_EQ(lines_of(outcome.out).size(), 1u) << outcome.out;
  for (const std::string& word : words)
    EXPECT_NE(outcome.out.find(word), std::string::npos)
        << "no \"" << word << "\" in: " << outcome.out;
}

// Messages of the streams in `seconds` of the tape from a line on, counted without our code.
inline std::size_t messages_on_tape(int from, int seconds,
                                    const std::vector<std::string>& streams) {
  const Outcome zcat = run({"zcat", capture()});
  EXPECT_EQ(zcat.exit_code, 0);
  std::istringstream lines(zcat.out);
  std::int64_t first = 0;
  std::size_t count = 0;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    if (++number < from) continue;
    const std::int64_t at = std::stoll(line);
    if (first == 0) first = at;
    if (at >= first + seconds * 1'000'000'000ll) break;
    for (const std::string& stream : streams)
      if (line.find("\"stream\":\"btcusdt@" + stream + "\"") != std::string::npos) ++count;
  }
  return count;
}

}  // namespace sluice::e2e
