// What one side of a comparison was: every sample of every run, and under which conditions. A JSON
// document with a checksum at its end: the file of a baseline, the output of `measure --json`, and
// (one sample of one run) the answer of a measuring process to one turn.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/baseline/fingerprint.hpp"
#include "bench/baseline/series.hpp"
#include "bench/machine/pair.hpp"

namespace sluice::bench {

// The meaning of the fields. Another number is refused: figures must not be misread.
constexpr int kDocumentSchema = 1;

struct Document {
  std::string build;     // commit and fingerprint of the sources of what was measured
  std::string compiler;  // and whether it optimised
  std::string date;      // UTC, ISO 8601
  std::string command;
  std::vector<std::string> sources;
  Cpus cpus;
  double slowed_percent = 0;       // by the detector's own test
  std::vector<std::string> unfit;  // what the doctor held against figures then
  Fingerprint machine;
  std::vector<Series> series;
};

Document describe_build();  // build and compiler; nothing else

// A line per field, the last one {"check": CRC-32C of all bytes before it}.
std::string to_text(const Document& document);
std::string sealed(std::string text);  // with that line
// Throws Error (Unqualified): `whose` (a file, a program), what is wrong, where, what to do.
Document parse_text(std::string_view text, std::string_view whose);
// Whether this line is the last one of a document.
bool ends_document(std::string_view line) noexcept;

}  // namespace sluice::bench
