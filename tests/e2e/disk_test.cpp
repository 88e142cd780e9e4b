// A disk that runs full under load: entries stop, protection goes on, nothing is lost, and it
// trades again when there is space.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

// A file system of its own for a state directory, in a mount namespace of this process.
class SmallDisk {
 public:
  SmallDisk(const std::filesystem::path& at, const char* size) : at_(at) {
    mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
               ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("none", at_.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  explicit operator bool() const noexcept { return mounted_; }

  // Takes whatever space there is, and goes on taking it.
  void fill() const {
    const int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string block(4096, 'x');
    while (::write(fd, block.data(), block.size()) > 0) {
    }
    ::close(fd);
  }
  void free() const { ::unlink(filler().c_str()); }

 private:
  [[nodiscard]] std::string filler() const { return (at_ / "filler").string(); }

  std::filesystem::path at_;
  bool mounted_;
};

// Placed from this position of the paper log on.
struct PlacedSince {
  std::size_t entries = 0;
  std::size_t others = 0;
};
PlacedSince placed_since(Box& box, std::uint64_t position) {
  PlacedSince result;
  const JournalMemory& log = *box.objects().paper_log;
  const std::uint64_t tail = log.tail.load(std::memory_order_acquire);
  for (; position < tail; ++position) {
    const auto entry =
        from_payload<PaperEntry>(log.slots()[position & (log.header.capacity - 1)].payload);
    if (entry.what != PaperWhat::Placed) continue;
    ++(class_of(entry.kind) == OrderClass::Entry ? result.entries : result.others);
  }
  return result;
}

bool holds_a_position(Box& box) {
  const auto row = box.objects().page(Process::Risk).read_row<PositionRow>(RowTable::Position, 0);
  return row && row->used && row->qty.raw != 0;
}

TEST(FullDisk, StopsEntriesLosesNothingAndTradesAgain) {
  Box box({.speed = "30",
           .venue_flags = {"--once", "--linger", "1"},
           .conf = {{"window_s", "1"},
                    {"min_gap_s", "0"},
                    {"cooldown_s", "0"},
                    {"max_same_side", "5"},
                    {"stop_loss", "\"0.00002\""},
                    {"take_profit", "\"0.00002\""},
                    {"disk_floor_mib", "1"}}});
  const SmallDisk disk(box.state(), "size=24m");
  if (!disk) GTEST_SKIP() << "needs a mount namespace of its own (root)";
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  ASSERT_TRUE(eventually([&] { return box.counter(Process::Gateway, "sent_verdicts") > 3; }));

  ASSERT_TRUE(eventually([&] { return holds_a_position(box); }));
  disk.fill();
  const auto low = [&](Process gate) {
    return (box.objects().page(gate).conditions.load() & kDiskLow) != 0;
  };
  ASSERT_TRUE(eventually([&] { return low(Process::Risk) && low(Process::Gateway); }))
      << box.log("sluice-recorder");
  const std::uint64_t since = box.objects().paper_log->tail.load(std::memory_order_acquire);
  EXPECT_TRUE(eventually([&] { return placed_since(box, since).others > 0; }, 5s))
      << "positions are not protected while the disk is full";
  EXPECT_GT(box.counter(Process::Recorder, "write_errors_total"), 0u) << "it was not full at all";
  EXPECT_EQ(placed_since(box, since).entries, 0u) << "an entry while the disk was full";

  disk.free();
  ASSERT_TRUE(eventually([&] { return !low(Process::Risk) && !low(Process::Gateway); }));
  const std::uint64_t after = box.objects().paper_log->tail.load(std::memory_order_acquire);
  EXPECT_TRUE(eventually([&] { return placed_since(box, after).entries > 0; }))
      << "it does not trade again";
  ASSERT_TRUE(box.wait_venue_end());
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");

  const PaperTruth paper = read_paper(box.run_dir());
  EXPECT_EQ(paper.duplicates, 0u);
  EXPECT_EQ(positions_from_gateway(box.run_dir()), paper.positions);
  const Outcome verify = run({bin("sluice-replay"), "verify", box.run_dir().string()}, 60s);
  EXPECT_EQ(verify.exit_code, 0) << verify.out;
}

}  // namespace
}  // namespace sluice::e2e
