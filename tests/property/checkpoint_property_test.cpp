// A checkpoint is whole or not there: after a death at any instruction of its writing, after any
// flipped bit, and beside a writer that does not wait.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "core/checkpoint.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shared_instance.hpp"
#include "tests/support/single_step.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kWords = 24;
// A sanitizer makes many instructions of one: there, every so many-th.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kStride = 97;
#else
constexpr std::uint64_t kStride = 1;
#endif

struct SharedCheckpoint : test::SharedObject<CheckpointMemory> {
  SharedCheckpoint() : SharedObject(ObjectKind::Checkpoint, kWords * 8) {}
};

// Content that is a function of the position.
std::vector<std::uint64_t> content_of(std::uint64_t position) {
  std::vector<std::uint64_t> words(kWords - 3);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = mix(position * 1'000 + i);
  return words;
}

void take(CheckpointMemory& memory, std::uint64_t position, bool trap = false) {
  const std::vector<std::uint64_t> words = content_of(position);
  if (trap) test::crash_marker();
  CheckpointWriter writer(memory, position);
  writer.put(words.data(), 8 * 4);
  writer.put(words.data() + 4, 8 * (words.size() - 4));
  writer.finish();
}

TEST(CheckpointProperty, DeathAtAnyInstructionLeavesTheOldOneOrTheNew) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  std::uint64_t kept = 0;
  std::uint64_t taken = 0;
  std::uint64_t pieces = 0;
  for (std::uint64_t k = 0;; k += kStride) {
    SharedCheckpoint object;
    CheckpointMemory& memory = object.get();
    take(memory, 10);
    take(memory, 20);
    const auto end = test::run_and_kill([&] { take(memory, 30, true); }, k).end;
    const auto found = newest_checkpoint(memory, 30);
    ASSERT_TRUE(found) << "after " << k << " instructions";
    ASSERT_EQ(found->words, content_of(found->position)) << "after " << k << " instructions";
    ASSERT_TRUE(found->position == 20 || found->position == 30) << found->position;
    ++(found->position == 20 ? kept : taken);
    if (!read_checkpoint(memory, 0, 30)) ++pieces;
    // What was broken is forgotten, and the next one replaces it, not the whole one.
    forget_broken(memory, 30);
    take(memory, 40);
    ASSERT_EQ(newest_checkpoint(memory, 40)->position, 40u);
    ASSERT_TRUE(newest_checkpoint(memory, 39)) << "the only whole one was overwritten";
    if (end != test::StepEnd::Killed) break;
  }
  std::printf("%llu instructions: the old one %llu times, the new one %llu times, %llu in pieces\n",
              static_cast<unsigned long long>(kept + taken), static_cast<unsigned long long>(kept),
              static_cast<unsigned long long>(taken), static_cast<unsigned long long>(pieces));
  EXPECT_GT(pieces, 50u / kStride);
  EXPECT_GT(taken, 0u);
}

TEST(CheckpointProperty, AnyFlippedBitIsNoticed) {
  SharedCheckpoint object;
  CheckpointMemory& memory = object.get();
  take(memory, 10);
  take(memory, 20);
  auto* words = reinterpret_cast<std::uint64_t*>(memory.buffer(1));
  for (std::size_t bit = 0; bit < 64 * content_of(20).size(); ++bit) {
    words[bit / 64] ^= std::uint64_t{1} << bit % 64;
    const auto found = newest_checkpoint(memory, 30);
    ASSERT_TRUE(found && found->position == 10) << "bit " << bit;
    words[bit / 64] ^= std::uint64_t{1} << bit % 64;
  }
  CheckpointMark& mark = memory.marks[1];
  for (std::atomic<std::uint64_t>* word : {&mark.word, &mark.bytes, &mark.crc})
    for (int bit = 0; bit < 64; ++bit) {
      word->fetch_xor(std::uint64_t{1} << bit);
      const auto found = newest_checkpoint(memory, ~std::uint64_t{0} - 1);
      ASSERT_TRUE(found && found->position == 10) << "mark bit " << bit;
      word->fetch_xor(std::uint64_t{1} << bit);
    }
  EXPECT_EQ(newest_checkpoint(memory, 30)->position, 20u);
  EXPECT_EQ(newest_checkpoint(memory, 19)->position, 10u) << "above what is committed";
  EXPECT_FALSE(newest_checkpoint(memory, 9));
}

TEST(CheckpointProperty, NothingIsThereInZeroedMemory) {
  SharedCheckpoint object;
  EXPECT_FALSE(newest_checkpoint(object.get(), ~std::uint64_t{0}));
}

TEST(CheckpointProperty, AReaderBesideTheWriterSeesWholeOnes) {
  SharedCheckpoint object;
  CheckpointMemory& memory = object.get();
  take(memory, 1);
  std::atomic<bool> enough{false};
  std::atomic<std::uint64_t> taken{1};
  std::thread writer([&] {
    for (std::uint64_t position = 2; !enough.load(); ++position) {
      take(memory, position);
      taken.store(position);
    }
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::uint64_t seen = 0;
  std::uint64_t newest = 0;
  while (seen < 500 && std::chrono::steady_clock::now() < deadline) {
    const auto found = newest_checkpoint(memory, ~std::uint64_t{0});
    if (!found) continue;
    if (found->words != content_of(found->position)) break;
    if (found->position + 1 < newest) break;  // the one before the one being replaced at most
    if (found->position > newest) ++seen;
    newest = std::max(newest, found->position);
  }
  enough.store(true);
  writer.join();
  EXPECT_EQ(seen, 500u) << "after " << taken.load() << " checkpoints";
}

}  // namespace
}  // namespace sluice
