#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "tests/unit/net/tape_support.hpp"

namespace sluice::venue::test {
namespace {

void expect_error(Exit code, const std::string& part, const std::function<void()>& act) {
  try {
    act();
    ADD_FAILURE() << "no error about " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

class TapeFile : public testing::Test {
 protected:
  TapeFile()
      : path_(std::filesystem::temp_directory_path() /
              ("sluice-tape-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name() + ".gz")) {}
  ~TapeFile() override { std::filesystem::remove(path_); }

  void write_gzip(const std::string& text) const {
    gzFile file = gzopen(path_.c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
  }
  std::filesystem::path path_;
};

TEST(Tape, KnowsItsLinesStreamsAndSnapshot) {
  const Tape tape = small_tape();
  ASSERT_EQ(tape.lines().size(), 8u);
  EXPECT_EQ(tape.streams().size(), 2u);
  EXPECT_EQ(tape.symbol(), "BTCUSDT");
  EXPECT_EQ(tape.snapshot(), 3u);
  EXPECT_EQ(tape.clock_offset_ns(), 1'000'000'000);
  EXPECT_EQ(tape.lines()[3].stream, 0u);
  EXPECT_EQ(tape.lines()[3].text, kSnapshotJson);
  EXPECT_TRUE(tape.lines()[0].depth);
  EXPECT_EQ(tape.lines()[1].data, R"({"e":"trade","E":2010,"s":"BTCUSDT","t":1})");
  EXPECT_FALSE(tape.stream("btcusdt@kline_1m").has_value());
}

TEST(Tape, ReadsTheRecordedSession) {
  const Tape tape = Tape::load(SLUICE_TEST_CAPTURE);
  EXPECT_EQ(tape.lines().size(), 41'249u);
  EXPECT_EQ(tape.snapshot(), 7u);
  const StreamMask trades = tape.stream("btcusdt@trade").value();
  const StreamMask quotes = tape.stream("btcusdt@bookTicker").value();
  std::size_t counts[3] = {};
  for (const Line& line : tape.lines()) {
    counts[0] += line.stream == trades;
    counts[1] += line.stream == quotes;
    counts[2] += line.depth;
  }
  EXPECT_EQ(counts[0], 9'757u);
  EXPECT_EQ(counts[1], 28'040u);
  EXPECT_EQ(counts[2], 3'451u);
}

TEST(Tape, NamesTheBadLine) {
  const std::string good = trade(1'000, 1);
  const auto parse = [&](const std::string& text) { (void)Tape::parse(text, "t"); };
  expect_error(Exit::No, "line 2: not a JSON object",
               [&] { parse(good + "1001000000 {\"stream\":\n"); });
  expect_error(Exit::No, "line 2: does not begin", [&] { parse(good + "x {}\n"); });
  expect_error(Exit::No, "line 2: does not begin", [&] { parse(good + "\n" + good); });
  expect_error(Exit::No, "line 2: does not begin", [&] { parse(good + "1001000000\n"); });
  expect_error(Exit::No, "line 2: time goes backwards", [&] { parse(good + trade(999, 2)); });
  expect_error(Exit::No, "line 2: neither", [&] { parse(good + "1001000000 {\"a\":1}\n"); });
  expect_error(Exit::No, "line 2: a stream message without",
               [&] { parse(good + "1001000000 {\"stream\":\"x\"}\n"); });
  expect_error(Exit::No, "line 9: a second depth snapshot",
               [&] { parse(small_text() + "5000000000 " + kSnapshotJson + "\n"); });
  expect_error(Exit::No, "holds no messages", [&] { parse(""); });
  expect_error(Exit::No, "holds no messages",
               [&] { parse("1000000000 " + std::string(kSnapshotJson)); });
  EXPECT_EQ(Tape::parse(good + trade(1'000, 2), "equal times").lines().size(), 2u);
}

TEST_F(TapeFile, LoadsWhatGzipWrote) {
  write_gzip(small_text());
  EXPECT_EQ(Tape::load(path_).lines().size(), 8u);
}

TEST_F(TapeFile, TellsWhatIsWrongWithTheFile) {
  expect_error(Exit::Usage, "no such file", [&] { (void)Tape::load(path_); });
  expect_error(Exit::Usage, "is a directory", [&] { (void)Tape::load(path_.parent_path()); });
  std::ofstream(path_) << "plain text";
  expect_error(Exit::Usage, "not a gzip file", [&] { (void)Tape::load(path_); });
  write_gzip(small_text());
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 20);
  expect_error(Exit::No, "torn", [&] { (void)Tape::load(path_); });
  write_gzip(small_text());
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(30);
  file.write("\x55\xaa\x55\xaa\x55\xaa", 6);
  file.close();
  expect_error(Exit::No, "capture", [&] { (void)Tape::load(path_); });
}

}  // namespace
}  // namespace sluice::venue::test
