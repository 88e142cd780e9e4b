// What is on the tape, counted without any code of the pipeline: lines of a gzip file that carry a
// "stream" key.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::demo {

struct Capture {
  std::uint64_t lines = 0;
  std::uint64_t messages = 0;  // lines with a "stream" key: what a subscribed client must receive
  std::int64_t first_ns = 0;   // receive times, Unix ns
  std::int64_t last_ns = 0;
};

// Throws Error if the file cannot be read to its end.
Capture count_capture(const std::string& path);

}  // namespace sluice::demo
