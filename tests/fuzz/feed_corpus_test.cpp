// Replays the corpus, and seeded mutations of it, through the fuzz target in any build.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/seed.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace sluice {
namespace {

std::vector<std::string> read_corpus() {
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SLUICE_SOURCE_DIR) +
                                                               "/tests/fuzz/feed_corpus")) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

void feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

TEST(FeedCorpus, IsSurvived) {
  const auto corpus = read_corpus();
  ASSERT_GE(corpus.size(), 20u);
  for (const std::string& text : corpus) feed(text);
}

TEST(FeedCorpus, IsSurvivedInMutations) {
  test::Random random(test::draw_seed());
  const auto corpus = read_corpus();
  ASSERT_FALSE(corpus.empty());
  for (int i = 0; i < 50'000; ++i) {
    std::string text = corpus[random.below(corpus.size())];
    if (random.one_in(3)) text += "\n" + corpus[random.below(corpus.size())];
    for (std::uint64_t n = random.below(4); n > 0 && !text.empty(); --n) {
      const std::size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0: text[at] = static_cast<char>(random.below(256)); break;
        case 1: text.erase(at, 1 + random.below(8)); break;
        case 2: text.insert(at, text.substr(random.below(text.size()), random.below(32))); break;
        default: text[at] = "0123456789\"[]{},:"[random.below(17)]; break;
      }
    }
    feed(text);
  }
}

}  // namespace
}  // namespace sluice
