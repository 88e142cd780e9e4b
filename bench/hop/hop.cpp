#include "bench/hop/hop.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/hop/contenders.hpp"
#include "bench/hop/floor.hpp"
#include "bench/hop/measure.hpp"
#include "bench/machine/fitness.hpp"
#include "core/build.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kTogether = 16;

constexpr int kTries = 6;
constexpr double kSame = 1.15;  // between two looks at a floor

struct Round {
  double rtt, floor, single, stream_floor, batch, push;
  bool clean;
};

struct Beside {
  double value, floor;
  bool clean;
};
template <class Floor, class Work>
Beside beside(Floor&& floor, Work&& work) {
  Beside now{};
  double before = floor();
  for (int tries = 0; tries < kTries && !now.clean; ++tries) {
    now.value = work();
    const double behind = floor();
    now.floor = (before + behind) / 2;
    now.clean = std::max(before, behind) < kSame * std::min(before, behind);
    before = behind;
  }
  return now;
}

template <class C>
Round measure(const Cpus& cpus) {
  const Beside trip =
      beside([&] { return round_trip_floor(cpus); }, [&] { return round_trip<C>(cpus); });
  const Beside single = beside([&] { return stream_floor(cpus); }, [&] { return stream<C>(cpus); });
  Round round{.rtt = trip.value,
              .floor = trip.floor,
              .single = single.value,
              .stream_floor = single.floor,
              .batch = 0,
              .push = push_cost<C>(cpus),
              .clean = trip.clean && single.clean};
  if constexpr (requires(typename C::Sender & s, const Payload* p) { s.try_send_many(p, 1); })
    round.batch = stream<C>(cpus, kTogether);
  return round;
}

struct Contender {
  const char* name;
  Round (*measure)(const Cpus&);
  std::vector<Round> rounds = {};

  template <class Value>
  [[nodiscard]] Band beside(const Contender& ours, Value&& value) const {
    std::vector<double> values;
    for (std::size_t i = 0; i < rounds.size(); ++i)
      values.push_back(value(rounds[i], ours.rounds[i]));
    return {quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75)};
  }
  template <class Value>
  [[nodiscard]] double over(double part, Value&& value) const {
    std::vector<double> values;
    for (const Round& round : rounds) values.push_back(value(round));
    return quantile(std::move(values), part);
  }
  [[nodiscard]] HopResult result(const Contender& ours) const {
    const auto ratio = [](const Round& r) { return r.rtt / r.floor; };
    const auto single = [](const Round& r) { return r.single / r.stream_floor; };
    return {.name = name,
            .rtt_ns = over(0.5, [](const Round& r) { return r.rtt; }),
            .floor_ns = over(0.5, [](const Round& r) { return r.floor; }),
            .rtt_ratio = over(0.5, ratio),
            .single_mps = over(0.5, [](const Round& r) { return r.single; }),
            .stream_floor_mps = over(0.5, [](const Round& r) { return r.stream_floor; }),
            .single_ratio = over(0.5, single),
            .batch_mps = over(0.5, [](const Round& r) { return r.batch; }),
            .push_ns = over(0.5, [](const Round& r) { return r.push; }),
            .rtt_ratio_low = over(0.25, ratio),
            .rtt_ratio_high = over(0.75, ratio),
            .rtt_beside = beside(ours, [&](auto& a, auto& b) { return ratio(a) / ratio(b); }),
            .single_beside = beside(ours, [&](auto& a, auto& b) { return single(a) / single(b); }),
            .push_beside = beside(ours, [](auto& a, auto& b) { return a.push - b.push; }),
            .rounds = rounds.size(),
            .clean = static_cast<std::size_t>(std::count_if(
                rounds.begin(), rounds.end(), [](const Round& r) { return r.clean; }))};
  }
};

template <class... C>
std::vector<Contender> contenders() {
  return {Contender{C::kName, &measure<C>}...};
}

}  // namespace

std::vector<HopResult> run_hop(const HopPlan& plan) {
  std::vector<Contender> all = contenders<Sluice>();
  const auto add = [&all](std::vector<Contender> more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  if (plan.tap || plan.peers) add(contenders<Tapped>());
  if (plan.peers)
    add(contenders<Classic, PrivateCursor, Boost, Moodycamel, Pipe, UnixSocket, MessageQueue>());
  for (std::size_t round = 0; round < plan.rounds; ++round)
    for (std::size_t i = 0; i < all.size(); ++i) {
      Contender& now = all[(round + i) % all.size()];
      now.rounds.push_back(now.measure(plan.cpus));
    }
  std::vector<HopResult> results;
  for (const Contender& one : all) results.push_back(one.result(all.front()));
  return results;
}

std::string hop_table(const HopPlan& plan, const std::vector<HopResult>& results) {
  std::string text = fmt::format("{:<12} {:>9} {:>9} {:>7} {:>13} {:>9} {:>9} {:>7} {:>9} {:>9}\n",
                                 "", "rtt ns", "floor ns", "ratio", "quartiles", "single",
                                 "floor M/s", "ratio", "batch 16", "push ns", "clean");
  for (const HopResult& r : results)
    text += fmt::format(
        "{:<12} {:>9.1f} {:>9.1f} {:>7.2f} {:>6.2f}-{:<6.2f} {:>9.2f} {:>9.1f} {:>7.2f} {:>9} "
        "{:>9.1f} {:>6}\n",
        r.name, r.rtt_ns, r.floor_ns, r.rtt_ratio, r.rtt_ratio_low, r.rtt_ratio_high, r.single_mps,
        r.stream_floor_mps, r.single_ratio,
        r.batch_mps > 0 ? fmt::format("{:.2f}", r.batch_mps) : "-", r.push_ns, r.clean);
  if (results.size() > 1)
    text += fmt::format("\n{:<12} {:>24} {:>24} {:>24}\n", "beside ours", "rtt ratio",
                        "single ratio", "push ns more");
  const auto band = [](const Band& b) {
    return fmt::format("{:.2f} ({:.2f} to {:.2f})", b.median, b.low, b.high);
  };
  for (std::size_t i = 1; i < results.size(); ++i)
    text +=
        fmt::format("{:<12} {:>24} {:>24} {:>24}\n", results[i].name, band(results[i].rtt_beside),
                    band(results[i].single_beside), band(results[i].push_beside));
  return text + fmt::format("medians of {} rounds, CPU {} and {}, build {}\n{}\n", plan.rounds,
                            plan.cpus.mine, plan.cpus.peer, build_id(),
                            fitness({plan.cpus.mine, plan.cpus.peer}));
}

std::string hop_json(const HopPlan& plan, const std::vector<HopResult>& results) {
  const auto band = [](const Band& b) {
    return fmt::format("[{:.4f}, {:.4f}, {:.4f}]", b.low, b.median, b.high);
  };
  std::string text = "[\n";
  for (const HopResult& r : results)
    text += fmt::format(
        "  {{\"name\": \"{}\", \"rtt_ns\": {:.2f}, \"floor_ns\": {:.2f}, \"rtt_ratio\": {:.4f}, "
        "\"rtt_ratio_quartiles\": [{:.4f}, {:.4f}], \"single_mps\": {:.3f}, "
        "\"stream_floor_mps\": {:.3f}, \"single_ratio\": {:.4f}, \"batch_mps\": {}, "
        "\"push_ns\": {:.3f}, \"rtt_beside\": {}, \"single_beside\": {}, \"push_beside\": {}, "
        "\"rounds\": {}, \"clean_rounds\": {}, \"build\": \"{}\", \"qualified\": {}}}{}\n",
        r.name, r.rtt_ns, r.floor_ns, r.rtt_ratio, r.rtt_ratio_low, r.rtt_ratio_high, r.single_mps,
        r.stream_floor_mps, r.single_ratio,
        r.batch_mps > 0 ? fmt::format("{:.3f}", r.batch_mps) : "null", r.push_ns,
        band(r.rtt_beside), band(r.single_beside), band(r.push_beside), r.rounds, r.clean,
        build_id(), unfit({plan.cpus.mine, plan.cpus.peer}).empty(),
        &r == &results.back() ? "" : ",");
  return text + "]\n";
}

}  // namespace sluice::bench
