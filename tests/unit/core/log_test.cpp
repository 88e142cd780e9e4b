// The log: lines, order, drops, flushing, and that a write on a hot thread allocates nothing.
#include "core/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/levels.hpp"

namespace {
// Allocations of the threads that watch themselves.
thread_local bool watching = false;
std::atomic<int> allocations{0};
void* counted(std::size_t size) {
  if (watching) allocations.fetch_add(1);
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace sluice {
namespace {

class LogFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "sluice-log-XXXXXX";
    fd_ = ::mkstemp(path_.data());
    ASSERT_GE(fd_, 0);
  }
  void TearDown() override {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  std::vector<std::string> lines() const {
    std::ifstream file(path_);
    std::vector<std::string> out;
    for (std::string line; std::getline(file, line);) out.push_back(line);
    return out;
  }
  std::string path_;
  int fd_ = -1;
};

// What follows "HH:MM:SS.mmm ".
std::string rest(const std::string& line) {
  return line.size() > 13 ? line.substr(13) : line;
}

TEST_F(LogFile, WritesLinesWithTimeProcessAndLevel) {
  Log log("risk", fd_);
  auto producer = log.producer();
  producer.write(Level::Info, "nothing to add");
  producer.write(Level::Warning, "{} and {}", -5, std::uint64_t{18446744073709551615u});
  producer.write(Level::Error, "price {}, level {} -> {}", Price{6'183'763'000'000}, KillLevel::Run,
                 KillLevel::Halt);
  producer.write(Level::Debug, "{}{}{}{}{}", true, std::int8_t{-1}, std::uint8_t{2}, 3L, 4u);
  ASSERT_TRUE(log.flush(Duration::seconds(10)));
  const auto out = lines();
  ASSERT_EQ(out.size(), 4u);
  EXPECT_EQ(rest(out[0]), "risk INFO nothing to add");
  EXPECT_EQ(rest(out[1]), "risk WARNING -5 and 18446744073709551615");
  EXPECT_EQ(rest(out[2]), "risk ERROR price 61837.63, level RUN -> HALT");
  EXPECT_EQ(rest(out[3]), "risk DEBUG 1-1234");
  for (const std::string& line : out) {
    std::string shape = line.substr(0, 13);
    for (char& c : shape)
      if (c >= '0' && c <= '9') c = '9';
    EXPECT_EQ(shape, "99:99:99.999 ") << line;
  }
}

TEST_F(LogFile, StampsTheTimeOfTheWrite) {
  const auto second_of_day = [](const std::string& line) {
    return std::stoi(line.substr(0, 2)) * 3600 + std::stoi(line.substr(3, 2)) * 60 +
           std::stoi(line.substr(6, 2));
  };
  const std::time_t before = std::time(nullptr);
  {
    Log log("x", fd_);
    log.producer().write(Level::Info, "now");
  }
  const std::time_t after = std::time(nullptr);
  std::tm local{};
  localtime_r(&before, &local);
  const int expected = local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec;
  const int late = (second_of_day(lines().at(0)) - expected + 86'400) % 86'400;
  EXPECT_LE(late, static_cast<int>(after - before)) << lines().at(0);
}

TEST_F(LogFile, KeepsTheOrderOfEachProducer) {
  constexpr int kEach = 5'000;
  constexpr int kThreads = 3;
  Log log("x", fd_, Log::kMaxCapacity, kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, producer = log.producer()]() mutable {
      for (int i = 0; i < kEach; ++i) producer.write(Level::Info, "{} {}", t, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(log.flush(Duration::seconds(30)));
  EXPECT_EQ(log.dropped(), 0u);
  std::array<int, kThreads> next{};
  for (const std::string& line : lines()) {
    std::istringstream in(rest(line).substr(7));
    int thread = -1;
    int i = -1;
    in >> thread >> i;
    ASSERT_TRUE(thread >= 0 && thread < kThreads) << line;
    ASSERT_EQ(i, next[static_cast<std::size_t>(thread)]++) << line;
  }
  EXPECT_EQ(next, (std::array<int, kThreads>{kEach, kEach, kEach}));
}

TEST_F(LogFile, AWriteAllocatesNothing) {
  Log log("x", fd_, 64, 2);
  auto producer = log.producer();
  watching = true;
  const int before = allocations.load();
  for (int i = 0; i < 100'000; ++i) producer.write(Level::Info, "{} {}", i, KillLevel::Run);
  const int after = allocations.load();
  watching = false;
  EXPECT_EQ(after - before, 0);
  EXPECT_GT(log.dropped(), 0u) << "the full queue was part of the test";
  watching = true;
  ::operator delete(::operator new(1));
  watching = false;
  EXPECT_EQ(allocations.load(), after + 1) << "the counter counts";
}

// A pipe that nobody reads: the writer thread stands still, the hot thread must not.
class LogPipe : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::pipe(ends_.data()), 0);
    ::fcntl(ends_[1], F_SETPIPE_SZ, 4096);
    const std::string filler(4096, '.');
    ASSERT_EQ(::write(ends_[1], filler.data(), filler.size()), 4096);
  }
  void TearDown() override {
    for (const int end : ends_)
      if (end >= 0) ::close(end);
  }
  std::string read_all() {
    std::string out;
    std::array<char, 65536> buffer;
    for (ssize_t n; (n = ::read(ends_[0], buffer.data(), buffer.size())) > 0;)
      out.append(buffer.data(), static_cast<std::size_t>(n));
    return out;
  }
  std::array<int, 2> ends_{-1, -1};
};

TEST_F(LogPipe, CountsAndReportsDrops) {
  constexpr std::uint64_t kWrites = 20'000;
  constexpr std::uint64_t kCapacity = 256;
  std::string text;
  std::thread reader;
  std::uint64_t dropped = 0;
  {
    Log log("x", ends_[1], kCapacity, 1);
    auto producer = log.producer();
    for (std::uint64_t i = 0; i < kWrites; ++i) producer.write(Level::Info, "line {}", i);
    dropped = log.dropped();
    EXPECT_GT(dropped, 0u);
    EXPECT_LE(dropped, kWrites - kCapacity) << "the promised capacity fits";
    EXPECT_FALSE(log.flush(Duration::millis(20))) << "nobody reads";
    reader = std::thread([&] { text = read_all(); });
    EXPECT_TRUE(log.flush(Duration::seconds(30)));
  }
  ::close(std::exchange(ends_[1], -1));
  reader.join();
  EXPECT_NE(text.find(" dropped, " + std::to_string(dropped) + " in all\n"), std::string::npos);
  std::uint64_t lines = 0;
  for (std::size_t at = 0; (at = text.find(" x INFO line ", at)) != std::string::npos; ++at)
    ++lines;
  EXPECT_EQ(lines + dropped, kWrites);
}

TEST_F(LogPipe, EndsWithinItsDeadlineWhenNobodyReads) {
  const auto begin = std::chrono::steady_clock::now();
  {
    Log log("x", ends_[1]);
    auto producer = log.producer();
    producer.write(Level::Info, "lost");
    EXPECT_FALSE(log.flush(Duration::millis(5)));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << "it ends at all";
}

TEST_F(LogPipe, SurvivesAClosedReader) {
  ::close(std::exchange(ends_[0], -1));
  Log log("x", ends_[1]);
  auto producer = log.producer();
  producer.write(Level::Info, "lost");
  EXPECT_TRUE(log.flush(Duration::seconds(10))) << "lost, not stuck; and no SIGPIPE";
}

TEST_F(LogFile, ReportsDropsInTheFile) {
  std::uint64_t dropped = 0;
  {
    Log log("x", fd_, 64, 1);
    auto producer = log.producer();
    while (log.dropped() == 0)
      for (int i = 0; i < 10'000; ++i) producer.write(Level::Info, "{}", i);
    dropped = log.dropped();
  }
  std::uint64_t reported = 0;
  for (const std::string& line : lines()) {
    if (line.find("log records were dropped") != std::string::npos)
      reported += std::stoull(rest(line).substr(10));
  }
  EXPECT_EQ(reported, dropped);
}

TEST_F(LogFile, SaysAtOnceAndRefusesTooManyProducers) {
  Log log("x", fd_, 64, 2);
  log.say(Level::Info, "first");
  EXPECT_EQ(rest(lines().at(0)), "x INFO first");
  (void)log.producer();
  (void)log.producer();
  EXPECT_THROW((void)log.producer(), Error);
  say(fd_, "y", Level::Error, "second");
  EXPECT_EQ(rest(lines().at(1)), "y ERROR second");
  Log::Producer nobody;
  nobody.write(Level::Info, "goes nowhere");
  EXPECT_THROW(Log("x", fd_, Log::kMinCapacity - 1), Error);
  EXPECT_THROW(Log("x", fd_, Log::kMaxCapacity + 1), Error);
  EXPECT_THROW(Log("x", fd_, 64, Log::kMaxProducers + 1), Error);
}

TEST_F(LogFile, TheLargestQueueHoldsWhatItPromises) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ::close(ends[0]);
  Log log("x", ends[1], Log::kMaxCapacity, Log::kMaxProducers);
  auto producer = log.producer();
  for (std::size_t i = 0; i < Log::kMaxCapacity; ++i) producer.write(Level::Info, "{}", i);
  EXPECT_EQ(log.dropped(), 0u);
  ::close(ends[1]);
}

}  // namespace
}  // namespace sluice
