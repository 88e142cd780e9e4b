// The recorded tape: gzip text, "<receive time, ns> <raw JSON>" per line.
#include <zlib.h>

#include <cstdlib>

#include "tests/unit/feed/feed_support.hpp"

namespace sluice::test {

std::vector<TapeLine> read_tape() {
  std::vector<TapeLine> lines;
  gzFile file = gzopen(SLUICE_SOURCE_DIR "/tests/data/binance_spot_btcusdt_20240808.gz", "rb");
  if (file == nullptr) return lines;
  std::vector<char> buffer(1 << 20);
  while (gzgets(file, buffer.data(), static_cast<int>(buffer.size())) != nullptr) {
    std::string line = buffer.data();
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    const std::size_t space = line.find(' ');
    lines.push_back({{std::strtoll(line.c_str(), nullptr, 10)}, line.substr(space + 1)});
  }
  gzclose(file);
  return lines;
}

}  // namespace sluice::test
