// The files that a mode is told to write.
#pragma once

#include <string>

namespace sluice::bench {

// Before minutes are spent on what cannot be kept. Empty, or "-" for stdout: nothing to check.
// Throws Error (Usage).
void must_be_writable(const std::string& path);

// Empty: nothing is written. "-": to stdout. Throws Error.
void write_file(const std::string& path, const std::string& text);

}  // namespace sluice::bench
