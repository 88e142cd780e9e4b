#include "bench/baseline/measuring.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "bench/baseline/source.hpp"
#include "bench/machine/fitness.hpp"
#include "core/error.hpp"

namespace sluice::bench {
namespace {

// One value per metric into the last run of its series.
void add(std::vector<Series>& series, const Document& seen, bool new_run) {
  for (const Series& one : seen.series) {
    const auto same = [&](const Series& known) { return known.metric == one.metric; };
    auto known = std::find_if(series.begin(), series.end(), same);
    if (known == series.end()) known = series.insert(series.end(), {one.metric, {}});
    if (new_run) known->runs.emplace_back();
    if (known->runs.empty())
      throw Error(one.metric.name + ": was not among the figures of the turn before");
    known->runs.back().push_back(one.runs.at(0).at(0));
  }
}

// The geometric mean of two turns, in the place of the first.
void fold(Document& first, const Document& second) {
  if (first.series.size() != second.series.size())
    throw Error("a source has other metrics in one turn than in the next");
  for (std::size_t i = 0; i < first.series.size(); ++i) {
    double& value = first.series[i].runs.at(0).at(0);
    value = std::sqrt(value * second.series[i].runs.at(0).at(0));
  }
}

Document described(const Document& answer, const Order& order) {
  Document document = answer;  // the build is the child's
  document.series.clear();
  document.date = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  document.sources = order.sources;
  document.cpus = order.cpus;
  document.slowed_percent = order.slow_percent;
  document.unfit = unfit({order.cpus.mine, order.cpus.peer});
  document.machine = this_machine();
  return document;
}

}  // namespace

Document measure_runs(const Order& order, std::size_t runs) {
  Document all;
  for (std::size_t run = 0; run < runs; ++run) {
    Child child(order);
    for (std::size_t source = 0; source < order.sources.size(); ++source)
      for (std::size_t turn = 0; turn < source_named(order.sources[source]).turns; ++turn) {
        const Document seen = child.turn(source);
        if (all.sources.empty()) all = described(seen, order);
        add(all.series, seen, turn == 0);
      }
  }
  return all;
}

std::pair<Document, Document> measure_pairs(const Order& a, const Order& b, std::size_t runs) {
  std::array<Document, 2> all;
  const std::array<const Order*, 2> orders{&a, &b};
  std::size_t first = 0;
  for (std::size_t run = 0; run < runs; ++run) {
    std::array<Child, 2> children{Child(a), Child(b)};
    for (std::size_t source = 0; source < a.sources.size(); ++source)
      for (std::size_t turn = 0; turn < source_named(a.sources[source]).turns; ++turn) {
        std::array<Document, 2> seen;
        seen[first] = children[first].turn(source);
        for (int both = 0; both < 2; ++both) {
          Document next = children[1 - first].turn(source);
          if (both == 0)
            seen[1 - first] = std::move(next);
          else
            fold(seen[1 - first], next);
        }
        fold(seen[first], children[first].turn(source));
        for (std::size_t side = 0; side < 2; ++side) {
          if (all[side].sources.empty()) all[side] = described(seen[side], *orders[side]);
          add(all[side].series, seen[side], turn == 0);
        }
        first = 1 - first;
      }
  }
  return {std::move(all[0]), std::move(all[1])};
}

}  // namespace sluice::bench
