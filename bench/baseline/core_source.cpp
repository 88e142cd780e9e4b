// The work that every turn of a driver is made of, in one thread: a record through a ring, an entry
// into a journal, a value into a histogram.
#include <array>
#include <new>

#include "bench/baseline/scatter.hpp"
#include "bench/baseline/source.hpp"
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
        lines(reinterpret_cast<Slot*>(scatter.place(kSlots * sizeof(Slot)))),
        histogram(*new (scatter.place(sizeof(Histogram))) Histogram) {}

  void push_and_poll() noexcept {
    producer.try_push(payload);
    static_cast<void>(consumer.poll(payload));
    consumer.publish_head_if_due();
    asm volatile("" : "+m"(payload) : : "memory");
  }
  void append() noexcept {
    writer.append(Edge::FeedRisk, payload, HostTime{now += 100});
    writer.commit();
    if (writer.room() < 2) journal.head.store(writer.next());
  }
  void record() noexcept { histogram.record(value = value * 5 % 1'000'003); }

  // Two yardsticks, because a neighbour on the same core takes places in the pipeline from work
  // that uses many (twice the time) and none from work that waits for itself: a record in and out
  // of a line with no protocol, and steps each of which needs the one before. How one relates to
  // the other says how much of the core a neighbour has: no work follows a yardstick so closely
  // that figures taken beside a neighbour and without one can be compared to a few percent.
  void copy() noexcept {
    Slot& line = lines[state++ % kSlots];
    for (std::size_t k = 0; k < kPayloadWords; ++k)
      line.payload[k].store(payload[k], std::memory_order_relaxed);
    line.word.store(state, std::memory_order_release);
    for (std::size_t k = 0; k < kPayloadWords; ++k)
      payload[k] = line.payload[k].load(std::memory_order_relaxed);
    asm volatile("" : "+m"(payload) : : "memory");
  }
  void step() noexcept {
    state = state * 6'364'136'223'846'793'005u + 1;
    asm volatile("" : "+r"(state));
  }

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
          time(Stretch(), [&] { work.copy(); }), time(Stretch(), [&] { work.step(); }),
          time(slow_, [&] { work.push_and_poll(); }), time(slow_, [&] { work.append(); }),
          time(slow_, [&] { work.record(); })};
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
    for (std::uint64_t i = 0; i < kWork; ++i) doing();
    return static_cast<double>((stretch.end(begin) - begin).ns) / static_cast<double>(kWork);
  }
  static Reading beside(const char* name, double ns, double yardstick) {
    return {{.name = name, .unit = "x"}, ns / yardstick};
  }
  static Reading alone(const char* name, double ns) {
    return {{.name = name, .unit = "ns", .role = Role::Shown}, ns};
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
