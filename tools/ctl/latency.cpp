#include "tools/ctl/latency.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "core/error.hpp"
#include "core/process.hpp"
#include "tools/ctl/doctor/doctor.hpp"
#include "tools/ctl/json.hpp"
#include "tools/ctl/records.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

struct Known {
  std::string_view name;
  std::string_view way;
  bool end_to_end = false;
};
constexpr std::array kWay{
    Known{"feed_decode_ns", "frame in hand to ticks published"},
    Known{"tick_to_intent_ns", "frame in hand to intent, at the seat"},
    Known{"strategy_evaluation_ns", "of it: the strategy itself"},
    Known{"intent_to_order_ns", "intent decided to order approved, at risk"},
    Known{"tick_to_approve_ns", "frame in hand to order approved"},
    Known{"approve_to_send_ns", "order approved to order sent, at the gateway"},
    Known{"tick_to_send_ns", "frame in hand to order sent", true},
};

std::size_t place(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kWay.size(); ++i)
    if (kWay[i].name == name) return i;
  return kWay.size();
}

std::string time_text(std::int64_t ns) {
  if (ns < 10'000) return fmt::format("{} ns", ns);
  const auto scaled = static_cast<double>(ns);
  if (ns < 10'000'000) return fmt::format("{:.1f} us", scaled / 1e3);
  if (ns < 10'000'000'000) return fmt::format("{:.2f} ms", scaled / 1e6);
  return fmt::format("{:.2f} s", scaled / 1e9);
}

void subtract(std::vector<Hop>& later, const std::vector<Hop>& earlier) {
  for (Hop& hop : later)
    for (const Hop& before : earlier)
      if (before.process == hop.process && before.name == hop.name)
        hop.took = difference(hop.took, before.took);
}

void print_table(const std::vector<Hop>& hops, Console& console) {
  console.out("{:<9} {:<24} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "process", "hop", "count",
              "p50", "p90", "p99", "p99.9", "max");
  for (const Hop& hop : hops) {
    const Distribution& took = hop.took;
    const auto at = [&](std::uint64_t ppm) {
      return took.count == 0 ? std::string("-") : time_text(took.quantile(ppm));
    };
    console.out("{:<9} {:<24} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}  {}{}\n",
                name_of(hop.process), hop.name, took.count, at(500'000), at(900'000), at(990'000),
                at(999'000), took.count == 0 ? "-" : time_text(took.max), hop.way,
                hop.end_to_end ? " (end to end)" : "");
  }
}

void print_json(const Sight& sight, const Options& options, const std::vector<Hop>& hops,
                const std::vector<std::string>& unfit, Console& console) {
  Json json;
  json.object().field("instance", sight.instance).key("window_s");
  options.watch_s == 0 ? json.null() : json.value(options.watch_s);
  json.key("hops").array();
  for (const Hop& hop : hops) {
    json.object().field("process", name_of(hop.process)).field("hop", hop.name);
    json.field("way", hop.way).field("end_to_end", hop.end_to_end).field("count", hop.took.count);
    json.field("p50_ns", hop.took.quantile(500'000)).field("p90_ns", hop.took.quantile(900'000));
    json.field("p99_ns", hop.took.quantile(990'000)).field("p99_9_ns", hop.took.quantile(999'000));
    json.field("max_ns", hop.took.max).end();
  }
  json.end().field("qualified", unfit.empty()).key("unqualified_because").array();
  for (const std::string& line : unfit) json.value(line);
  json.end().end();
  console.raw(json.text());
}

// CPUs that the running processes are pinned to.
std::vector<int> pinned(const Sight& sight) {
  std::vector<int> cpus;
  for (const Process p : kProcesses)
    if (const StagePage* page = sight.page(p); page != nullptr && look(page->lease).alive)
      if (const std::uint64_t cpu = page->cpu.load(std::memory_order_acquire); cpu != 0)
        cpus.push_back(static_cast<int>(cpu) - 1);
  return cpus;
}

}  // namespace

std::int64_t Distribution::quantile(std::uint64_t ppm) const noexcept {
  if (count == 0) return 0;
  const std::uint64_t rank = std::max<std::uint64_t>(1, (count * ppm + 999'999) / 1'000'000);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    seen += buckets[i];
    if (seen >= rank) return i + 1 == buckets.size() ? max : std::min(Histogram::upper_of(i), max);
  }
  return max;
}

// The writer goes on meanwhile: the count is what the buckets add up to.
Distribution look_at_histogram(const Histogram& histogram) {
  Distribution seen;
  seen.buckets.resize(Histogram::kBuckets);
  for (std::size_t i = 0; i < seen.buckets.size(); ++i)
    seen.count += seen.buckets[i] = histogram.bucket(i);
  seen.max = histogram.max();
  return seen;
}

Distribution difference(const Distribution& later, const Distribution& earlier) {
  Distribution delta;
  delta.buckets.resize(later.buckets.size());
  for (std::size_t i = 0; i < later.buckets.size(); ++i) {
    const std::uint64_t before = i < earlier.buckets.size() ? earlier.buckets[i] : 0;
    if (later.buckets[i] <= before) continue;  // less: another run has begun
    delta.buckets[i] = later.buckets[i] - before;
    delta.count += delta.buckets[i];
    delta.max = std::min(Histogram::upper_of(i), later.max);
    if (i + 1 == later.buckets.size()) delta.max = later.max;
  }
  return delta;
}

std::vector<Hop> hops_of(const Sight& sight) {
  std::vector<Hop> hops;
  for (const Process p : kProcesses) {
    const StagePage* page = sight.page(p);
    if (page == nullptr) continue;
    const Statistics& numbers = page->statistics;
    const std::size_t named = std::min<std::size_t>(
        numbers.histograms_named.load(std::memory_order_acquire), kMaxHistograms);
    for (std::size_t i = 0; i < named; ++i) {
      const std::string name(statistic_name(numbers.histogram_names[i]));
      const std::size_t at = place(name);
      const Known known = at < kWay.size() ? kWay[at] : Known{};
      hops.push_back(
          {p, name, known.way, known.end_to_end, look_at_histogram(numbers.histograms[i])});
    }
  }
  std::stable_sort(hops.begin(), hops.end(),
                   [](const Hop& a, const Hop& b) { return place(a.name) < place(b.name); });
  return hops;
}

int run_latency(const Options& options, Console& console) {
  const Sight sight = look_at(options);
  std::vector<Hop> hops = hops_of(sight);
  if (options.watch_s != 0) {
    const std::vector<Hop> before = std::move(hops);
    StopSignal::install();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options.watch_s);
    while (std::chrono::steady_clock::now() < until && StopSignal::asked() == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (StopSignal::asked() != 0) return static_cast<int>(Exit::Interrupted);
    hops = hops_of(sight);
    subtract(hops, before);
  }
  const std::vector<std::string> unfit = doctor::unfit_for_figures(pinned(sight));
  if (options.json) {
    print_json(sight, options, hops, unfit, console);
    return static_cast<int>(Exit::Ok);
  }
  console.out("{}, {}\n", sight.instance,
              options.watch_s == 0 ? "since the start of the run"
                                   : fmt::format("within {} s", options.watch_s));
  print_table(hops, console);
  if (!unfit.empty())
    console.out("{} {}\n(sluicectl doctor has the rest; the figures are those of such a machine)\n",
                console.paint(Tone::Bad, "unqualified machine:"), fmt::join(unfit, "; "));
  return static_cast<int>(Exit::Ok);
}

}  // namespace sluice::ctl
