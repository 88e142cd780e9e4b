#include "bench/recovery/recovery.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "bench/filing/filing.hpp"
#include "bench/machine/state_dir.hpp"
#include "bench/recovery/recorded.hpp"
#include "risk/counters.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kTogether = 4;  // ticks that a turn finds
constexpr std::uint64_t kQueued = 40;   // for the last turns: two and a half batches
constexpr int kReadings = 24;           // of the clock, before the last one: in the second batch
// So far from the next checkpoint, the last turns do not reach it.
constexpr std::uint64_t kMargin = 2 * kQueued;

std::optional<std::size_t> difference(const Knowledge& a, const Knowledge& b) noexcept {
  std::array<unsigned char, sizeof a> left, right;
  std::memcpy(left.data(), &a, sizeof a);
  std::memcpy(right.data(), &b, sizeof b);
  const auto at = std::mismatch(left.begin(), left.end(), right.begin()).first;
  if (at == left.end()) return std::nullopt;
  return static_cast<std::size_t>(at - left.begin());
}

RecorderConfig recorder_of(const config::Document& document, const RecoveryPlan& plan) {
  RecorderConfig config = parse_recorder(document.root().table("recorder"));
  config.rotate_bytes = plan.rotate_mib << 20;
  return config;
}

class Hour {
 public:
  Hour(const RecoveryPlan& plan, const replay::RunConfig& config, const RecorderConfig& recorder,
       const std::filesystem::path& dir)
      : plan_(plan),
        between_{1'000'000'000 / plan.rate},
        recorded_(plan.capture, config.feed),
        world_(config, dir, plan.checkpoint_every),
        filing_(recorder, world_.objects(), Process::Risk, dir) {}

  RecoveryResult run() {
    RecoveryResult result;
    result.state_bytes = sizeof(Knowledge);
    for (std::size_t k = 0; k < plan_.crashes; ++k) {
      const HostTime begin = bench_clock().now();
      const bool late = k % 2 == 1;
      while (next_ < plan_.ticks * (k + 1) / plan_.crashes) go_on();
      while (late && world_.since_checkpoint() + kMargin < 2 * plan_.checkpoint_every) go_on();
      result.drive = result.drive + (bench_clock().now() - begin);
      result.crashes.push_back(crash(late));
    }
    filing_.finish();
    count(result);
    return result;
  }

 private:
  // Risk always finds a tick, so that its checkpoints are as far apart as they ever are. The
  // recorder is waited for: nothing of the run depends on how fast the disk is.
  void go_on() {
    publish(kTogether);
    world_.pass();
    filing_.keep_up(world_.journal().header.capacity / 4);
  }
  void publish(std::uint64_t ticks) noexcept {
    for (std::uint64_t k = 0; k < ticks; ++k) {
      world_.advance(between_);
      world_.publish(recorded_.tick(next_++, world_.now()));
    }
  }

  Crash crash(bool late) {
    Crash crash;
    crash.late = late;
    publish(kQueued);
    crash.ticks = next_;
    const LastWords& dead = world_.kill_risk(kReadings);
    crash.entries = dead.tail;
    crash.uncommitted = uncommitted(world_.journal());
    if (plan_.tamper) plan_.tamper(world_.objects().checkpoint_of(Process::Risk));
    Successor successor = world_.recover(From::Memory);
    crash.memory = look(successor, dead);
    crash.files = look(world_.recover(From::Files), dead);
    crash.zero = look(world_.recover(From::Zero), dead);
    world_.succeed(std::move(successor));
    return crash;
  }
  static Recovered look(const Successor& successor, const LastWords& dead) noexcept {
    return {successor.took, successor.entries, difference(successor.known, dead.known)};
  }

  void count(RecoveryResult& result) {
    const auto of = [&](risk::Counter counter) {
      return world_.objects()
          .page(Process::Risk)
          .statistics.counter(static_cast<std::size_t>(counter));
    };
    result.orders = of(risk::Counter::OrdersEntry);
    result.fills = of(risk::Counter::Fills);
    result.exits = of(risk::Counter::OrdersExit);
    if (result.orders == 0 || result.fills == 0 || result.exits == 0)
      throw Error("no order, fill or exit: what risk had to know was too little for a figure");
  }

  const RecoveryPlan& plan_;
  Duration between_;
  Recorded recorded_;
  World world_;
  Filing filing_;
  std::uint64_t next_ = 0;
};

}  // namespace

bool RecoveryResult::identical() const noexcept {
  return std::none_of(crashes.begin(), crashes.end(), [](const Crash& crash) {
    return crash.memory.differs || crash.files.differs || crash.zero.differs;
  });
}
Duration RecoveryResult::longest() const noexcept {
  Duration longest{};
  for (const Crash& crash : crashes) longest = std::max(longest, crash.memory.took);
  return longest;
}

RecoveryResult run_recovery(const RecoveryPlan& plan) {
  const config::Document document = config::Document::load(plan.conf);
  const replay::RunConfig config = replay::parse_run_config(document);
  const RecorderConfig recorder = recorder_of(document, plan);
  const StateDir dir(plan.dir);
  // A tenth for what is not a tick.
  must_have_room(dir.path(), plan.ticks * sizeof(JournalSlot) / 10 * 11,
                 "fewer --ticks, or another --dir");
  return Hour(plan, config, recorder, dir.path()).run();
}

}  // namespace sluice::bench
