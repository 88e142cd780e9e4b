#include "bench/baseline/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/ctl/json.hpp"

namespace sluice::bench {
namespace {

// Of a condition, from one side to the other: what its yardsticks then leave of a change is less
// than half the usual threshold.
constexpr double kAlike = 0.10;

const Series* find(const Document& document, const std::string& name) {
  const auto found = std::find_if(document.series.begin(), document.series.end(),
                                  [&](const Series& one) { return one.metric.name == name; });
  return found == document.series.end() ? nullptr : &*found;
}

void note_conditions(const Document& before, const Document& after, Comparison& comparison) {
  const auto note = [&](std::string_view what, const std::string& was, const std::string& is) {
    if (was != is)
      comparison.notes.push_back(fmt::format("{}: {} before, {} after", what, was, is));
  };
  note("compiler", before.compiler, after.compiler);
  for (const Document* side : {&before, &after})
    if (side->slowed_percent > 0)
      comparison.notes.push_back(fmt::format("{}: slowed down on purpose by {:g} %",
                                             side == &before ? "before" : "after",
                                             side->slowed_percent));
}

bool judged(Role role, Taken taken) noexcept {
  return role == Role::Judged ||
         role == (taken == Taken::InTurns ? Role::JudgedInTurns : Role::JudgedApart);
}

void compare_machines(const Document& before, const Document& after, Comparison& comparison) {
  comparison.unlike = differences(before.machine, after.machine);
  if (before.cpus.mine != after.cpus.mine || before.cpus.peer != after.cpus.peer)
    comparison.unlike.push_back(fmt::format("cpus: {} and {} there, {} and {} here",
                                            before.cpus.mine, before.cpus.peer, after.cpus.mine,
                                            after.cpus.peer));
}

std::string percent(double part) {
  return fmt::format("{:+.1f} %", part * 100);
}

std::string line_of(const Judged& one) {
  const Change& c = one.change;
  return fmt::format("{:<22} {:<4} {:>11.4g} {:>11.4g} {:>10} {:>9} .. {:<9} {:>4}  {}\n",
                     one.metric.name, one.metric.unit, c.before, c.after, percent(c.change),
                     percent(c.low), percent(c.high), c.runs,
                     one.judged ? name_of(c.verdict) : "not judged");
}

std::string more_needed(const Judged& one, const Rule& rule) {
  const Change& c = one.change;
  if (c.more_runs >= kNeverDecided)
    return fmt::format(
        "{}: undecided: the change lies at the threshold of {}, more runs will not "
        "move it to one side\n",
        one.metric.name, percent(rule.threshold));
  return fmt::format("{}: undecided: {} to {} neither shows nor excludes {}; {} more run{} would\n",
                     one.metric.name, percent(c.low), percent(c.high), percent(rule.threshold),
                     c.more_runs, c.more_runs == 1 ? "" : "s");
}

bool undecided(const Judged& one) noexcept {
  return one.judged && one.change.verdict == Verdict::Undecided;
}
bool regressed(const Judged& one) noexcept {
  return one.judged && is_regression(one.change.verdict);
}

std::string summary(const Comparison& comparison, const Rule& rule) {
  const Exit exit = exit_of(comparison);
  if (exit == Exit::Ok) return fmt::format("no regression above {}\n", percent(rule.threshold));
  if (exit != Exit::No) return "cannot be judged\n";
  const auto rollback = [](const Judged& one) {
    return one.judged && one.change.verdict == Verdict::Rollback;
  };
  if (std::any_of(comparison.metrics.begin(), comparison.metrics.end(), rollback))
    return fmt::format("REGRESSION of rollback class ({} and more)\n", percent(rule.rollback));
  return fmt::format("REGRESSION above {}\n", percent(rule.threshold));
}

void write_metric(ctl::Json& json, const Judged& one) {
  const Change& c = one.change;
  json.object()
      .field("name", one.metric.name)
      .field("unit", one.metric.unit)
      .field("better", one.metric.better == Better::Lower ? "lower" : "higher")
      .field("judged", one.judged)
      .field("before", c.before)
      .field("after", c.after)
      .field("change", c.change)
      .field("low", c.low)
      .field("high", c.high)
      .field("runs", c.runs)
      .field("verdict", name_of(c.verdict))
      .field("more_runs", c.more_runs)
      .end();
}

void write_texts(ctl::Json& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name).array();
  for (const std::string& text : texts) json.value(text);
  json.end();
}

}  // namespace

Comparison judge(const Document& before, const Document& after, Taken taken, const Rule& rule) {
  Comparison comparison;
  note_conditions(before, after, comparison);
  if (taken == Taken::Apart) compare_machines(before, after, comparison);
  for (const Series& one : before.series) {
    const Series* other = find(after, one.metric.name);
    if (other == nullptr) {
      comparison.unjudged.push_back(one.metric.name + ": is not measured any more");
      continue;
    }
    const Change change =
        taken == Taken::InTurns ? compare_pairs(one, *other, rule) : compare(one, *other, rule);
    if (taken == Taken::Apart && one.metric.role == Role::Condition &&
        std::abs(change.change) > kAlike)
      comparison.unlike.push_back(
          fmt::format("{}: {:.3g} before, {:.3g} after: somebody else "
                      "had part of the core in one of them; measure again",
                      one.metric.name, change.before, change.after));
    comparison.metrics.push_back({one.metric, change, judged(one.metric.role, taken)});
  }
  for (const Series& one : after.series)
    if (find(before, one.metric.name) == nullptr)
      comparison.notes.push_back(one.metric.name + ": is new, and was not measured before");
  if (comparison.metrics.empty())
    comparison.unjudged.emplace_back("there is no metric that both sides have");
  return comparison;
}

Exit exit_of(const Comparison& comparison) noexcept {
  const auto& all = comparison.metrics;
  if (!comparison.unlike.empty()) return Exit::Unqualified;
  if (std::any_of(all.begin(), all.end(), regressed)) return Exit::No;
  const bool open = !comparison.unjudged.empty() || std::any_of(all.begin(), all.end(), undecided);
  return open ? Exit::Unqualified : Exit::Ok;
}

std::string table(const Comparison& comparison, const Rule& rule) {
  std::string text =
      fmt::format("{:<22} {:<4} {:>11} {:>11} {:>10} {:>22} {:>4}  {}\n", "metric", "unit",
                  "before", "after", "worse by", "interval", "runs", "verdict");
  for (const Judged& one : comparison.metrics) text += line_of(one);
  for (const std::string& note : comparison.notes) text += note + "\n";
  for (const std::string& why : comparison.unlike) text += "not alike: " + why + "\n";
  for (const std::string& why : comparison.unjudged) text += why + "\n";
  for (const Judged& one : comparison.metrics)
    if (undecided(one)) text += more_needed(one, rule);
  return text + summary(comparison, rule);
}

std::string to_json(const Comparison& comparison, const Document& before, const Document& after,
                    const Rule& rule) {
  ctl::Json json;
  json.object()
      .field("exit", static_cast<int>(exit_of(comparison)))
      .field("threshold", rule.threshold)
      .field("confidence", rule.confidence)
      .field("before_build", before.build)
      .field("after_build", after.build)
      .field("date", after.date);
  json.key("metrics").array();
  for (const Judged& one : comparison.metrics) write_metric(json, one);
  json.end();
  write_texts(json, "unlike", comparison.unlike);
  write_texts(json, "unjudged", comparison.unjudged);
  write_texts(json, "notes", comparison.notes);
  write_texts(json, "unfit", after.unfit);
  json.end();
  return json.take();
}

}  // namespace sluice::bench
