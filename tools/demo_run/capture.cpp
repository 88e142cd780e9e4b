#include "tools/demo_run/capture.hpp"

#include <zlib.h>

#include <charconv>
#include <memory>
#include <string_view>

#include "core/error.hpp"

namespace sluice::demo {
namespace {

void count_line(std::string_view line, Capture& capture) {
  if (line.empty()) return;
  ++capture.lines;
  if (line.find("\"stream\":") == std::string_view::npos) return;
  ++capture.messages;
  std::int64_t at = 0;
  std::from_chars(line.data(), line.data() + line.size(), at);
  if (capture.first_ns == 0) capture.first_ns = at;
  capture.last_ns = at;
}

}  // namespace

Capture count_capture(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file)
    throw Error(path + ": cannot be opened; the recording belongs to the repository (tests/data)");
  Capture capture;
  std::string rest;
  std::string block(1u << 18, '\0');
  for (;;) {
    const int size = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    if (size < 0) throw Error(path + ": damaged: " + gzerror(file.get(), nullptr));
    if (size == 0) break;
    rest.append(block, 0, static_cast<std::size_t>(size));
    std::size_t from = 0;
    for (std::size_t end = 0; (end = rest.find('\n', from)) != std::string::npos; from = end + 1)
      count_line(std::string_view(rest).substr(from, end - from), capture);
    rest.erase(0, from);
  }
  int damage = Z_OK;
  const char* why = gzerror(file.get(), &damage);
  if (damage != Z_OK) throw Error(path + ": damaged: " + why);
  count_line(rest, capture);
  if (capture.messages == 0) throw Error(path + ": holds no message");
  return capture;
}

}  // namespace sluice::demo
