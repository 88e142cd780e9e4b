#include "bench/machine/out_file.hpp"

#include <cstdio>
#include <fstream>

#include "core/error.hpp"

namespace sluice::bench {
namespace {

constexpr const char* kStdout = "-";

}  // namespace

void must_be_writable(const std::string& path) {
  if (path.empty() || path == kStdout) return;
  if (!std::ofstream(path, std::ios::app)) throw Error(Exit::Usage, path + ": cannot be written");
}

void write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  if (path == kStdout) {
    std::fputs(text.c_str(), stdout);
    return;
  }
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw Error(path + ": cannot be written");
}

}  // namespace sluice::bench
