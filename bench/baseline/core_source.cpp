// The work that every turn of a driver is made of, in one thread: a record through a ring, an entry
// into a journal, a value into a histogram.
#include <array>
#include <new>

#include "bench/baseline/scatter.hpp"
#include "bench/baseline/source.hpp"
#include "bench/baseline/yardstick.hpp"
#include "bench/machine/samples.hpp"
#include "core/journal.hpp"
#include "core/ring.hpp"
#include "core/statistics.hpp"

namespace sluice::bench {
namespace {

// A block is long against its two stamps (40 ns) and short against a time slice, so that most
// blocks of a turn are undisturbed.
constexpr int kBlocks = 25;
constexpr int kWarm = 2;
constexpr std::uint64_t kWork = 4'000;
constexpr std::uint64_t kSlots = 64;  // in the nearest cache, which no other core shares
// Others only ever add to a block, so a low quantile is what stays.
constexpr double kUndisturbed = 0.2;

// Objects of one turn, each somewhere else than in the turn before.
struct Work {
  explicit Work(Scatter& scatter)
      : ring(place<RingMemory>(scatter, kSlots)),
        journal(place<JournalMemory>(scatter, 4 * kSlots)),
        lines(reinterpret_cast<Slot*>(scatter.place(kYardLines * sizeof(Slot)))),
        histogram(*new (scatter.place(sizeof(Histogram))) Histogram) {}

  RingMemory& ring;
  JournalMemory& journal;
  Slot* lines;
  Histogram& histogram;
  Producer producer{ring, 0};
  Consumer consumer{ring, 0};
  JournalWriter writer{journal, 0, HostTime{1}};
  Payload payload{1, 2, 3, 4, 5, 6, 7};
  std::uint64_t state = 1;
  std::int64_t now = 1;
  std::int64_t value = 1;
};

// The loops begin a line, and none is inlined into what else this file has: where a loop lies
// decides up to 10 % of it, which a change elsewhere would else move.
[[gnu::noinline, gnu::aligned(64)]] void push_and_poll(Work& work) noexcept {
  for (std::uint64_t i = 0; i < kWork; ++i) {
    work.producer.try_push(work.payload);
    static_cast<void>(work.consumer.poll(work.payload));
    work.consumer.publish_head_if_due();
    asm volatile("" : "+m"(work.payload) : : "memory");
  }
}
[[gnu::noinline, gnu::aligned(64)]] void append(Work& work) noexcept {
  for (std::uint64_t i = 0; i < kWork; ++i) {
    work.writer.append(Edge::FeedRisk, work.payload, HostTime{work.now += 100});
    work.writer.commit();
    if (work.writer.room() < 2) work.journal.head.store(work.writer.next());
  }
}
[[gnu::noinline, gnu::aligned(64)]] void record(Work& work) noexcept {
  for (std::uint64_t i = 0; i < kWork; ++i)
    work.histogram.record(work.value = work.value * 5 % 1'000'003);
}

class CoreSource final : public Source {
 public:
  explicit CoreSource(const Setting& setting) : cpu_(setting.cpus.mine), slow_(setting.slow) {}

  std::vector<Reading> turn() override {
    const Pinned pinned(cpu_);
    scatter_.forget();
    Work& work = *new (scatter_.place(sizeof(Work))) Work(scatter_);
    std::array<std::vector<double>, 5> blocks;
    for (int block = -kWarm; block < kBlocks; ++block) {
      const std::array<double, 5> now{
          time(Stretch(), [&] { yard_of_copies(work.lines, work.payload, kWork); }),
          time(Stretch(), [&] { yard_of_steps(work.state, kWork); }),
          time(slow_, [&] { push_and_poll(work); }), time(slow_, [&] { append(work); }),
          time(slow_, [&] { record(work); })};
      for (std::size_t i = 0; block >= 0 && i < now.size(); ++i) blocks[i].push_back(now[i]);
    }
    std::array<double, 5> ns{};
    for (std::size_t i = 0; i < ns.size(); ++i) ns[i] = quantile(blocks[i], kUndisturbed);
    return {beside("core.push_poll", ns[2], ns[0]),
            beside("core.append", ns[3], ns[0]),
            beside("core.record", ns[4], ns[1]),
            alone("core.push_poll_ns", ns[2]),
            alone("core.append_ns", ns[3]),
            alone("core.record_ns", ns[4]),
            {{.name = "core.neighbour", .unit = "x", .role = Role::Condition}, ns[0] / ns[1]}};
  }

 private:
  template <class Doing>
  static double time(const Stretch& stretch, Doing&& doing) noexcept {
    const HostTime begin = bench_clock().now();
    doing();
    return static_cast<double>((stretch.end(begin) - begin).ns) / static_cast<double>(kWork);
  }
  static Reading beside(const char* name, double ns, double yardstick) {
    return {{.name = name, .unit = "x", .role = Role::JudgedApart}, ns / yardstick};
  }
  static Reading alone(const char* name, double ns) {
    return {{.name = name, .unit = "ns", .role = Role::JudgedInTurns}, ns};
  }

  int cpu_;
  Stretch slow_;
  Scatter scatter_;
};

}  // namespace

std::unique_ptr<Source> make_core_source(const Setting& setting) {
  return std::make_unique<CoreSource>(setting);
}

}  // namespace sluice::bench
