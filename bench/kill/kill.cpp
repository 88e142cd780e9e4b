#include "bench/kill/kill.hpp"

#include "bench/kill/raiser.hpp"
#include "bench/machine/fitness.hpp"
#include "bench/machine/pair.hpp"
#include "bench/pipeline/bare.hpp"
#include "core/error.hpp"
#include "core/process.hpp"

namespace sluice::bench {
namespace {

// One run of the real processes under load, from its start to the judgement of its log.
template <class Work>
KillVerdict real_run(const KillPlan& plan, std::uint64_t seed, Work&& work) {
  Rig rig(plan.rig);
  std::vector<KillWindow> kills;
  {
    Source source(rig);
    rig.await_armed();
    source.begin({.rate = plan.rate, .order_every = plan.order_every, .seed = seed});
    Raiser raiser(rig, seed);
    work(rig, raiser);
    kills = raiser.kills();
    source.leave();
    rig.stop();
  }
  return judge(read_placed(rig.run_dir()), kills);
}

std::vector<Reaction> bare_block(const KillPlan& plan, const KillResult& result, WaitStrategy wait,
                                 std::size_t flags, std::uint64_t seed) {
  const Placement& at = result.placement;
  // Longer than any of them: the stream is ended when the last flag was seen.
  const auto length = Duration::seconds(60 + static_cast<std::int64_t>(flags / 100));
  Bare bare({.cpus = {at.feed, at.strategy, at.risk, at.gateway},
             .wait = wait,
             .rate = static_cast<double>(plan.rate),
             .length = length});
  std::vector<Reaction> reactions;
  reactions.reserve(flags);
  Gap gap(seed);
  for (std::size_t i = 0; i < flags; ++i) {
    gap.wait();
    if (StopSignal::asked()) throw Error(Exit::Interrupted, "interrupted");
    const FlagEcho echo = bare.raise_flag();
    reactions.push_back({echo.risk.ns, echo.gateway.ns});
  }
  bare.end();
  static_cast<void>(bare.finish());
  return reactions;
}

}  // namespace

KillResult run_kill(const KillPlan& wanted) {
  KillPlan plan = wanted;
  KillResult result;
  if (plan.rig.cpus.empty()) plan.rig.cpus = allowed_cpus();
  result.placement = place(plan.rig.cpus);
  // Whatever else has to run does so beside the feed: what is measured are the gates.
  if (!plan.rig.rest) plan.rig.rest = result.placement.feed;
  result.placement.rest = *plan.rig.rest;
  result.unfit = unfit(result.placement.cpus());
  const Pinned beside_the_feed(result.placement.feed);
  WaitStrategy wait{};
  for (std::size_t block = 0; block < plan.blocks; ++block) {
    const std::uint64_t seed = plan.seed + block;
    const std::size_t raises =
        plan.raises * (block + 1) / plan.blocks - plan.raises * block / plan.blocks;
    KillBlock& now = result.blocks.emplace_back();
    result.verdict.add(real_run(plan, seed, [&](Rig& rig, Raiser& raiser) {
      result.wait = rig.waits();
      wait = static_cast<WaitStrategy>(rig.objects().page(Process::Risk).wait.load());
      for (std::size_t i = 0; i < raises; ++i)
        now.real.push_back(raiser.raise(kRaisedLevels[i % kRaisedLevels.size()]));
    }));
    now.bare = bare_block(plan, result, wait, raises, seed);
  }
  if (plan.stopped > 0)
    result.verdict.add(real_run(plan, plan.seed, [&](Rig&, Raiser& raiser) {
      for (std::size_t i = 0; i < plan.stopped; ++i)
        result.complete_ns.push_back(raiser.kill_stopped());
    }));
  return result;
}

}  // namespace sluice::bench
