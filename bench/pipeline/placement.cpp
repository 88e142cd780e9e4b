#include "bench/pipeline/placement.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>

#include "core/error.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kStages = 4;

[[noreturn]] void no_list(const std::string& text) {
  throw Error(Exit::Usage, fmt::format("--cpus {}: not a list of CPUs; write 0,1 or 2-5", text));
}

int number(std::string_view text, const std::string& all) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) no_list(all);
  return value;
}

}  // namespace

int Placement::of(Process process) const noexcept {
  if (is_seat(process)) return strategy;
  if (process == Process::Feed) return feed;
  if (process == Process::Risk) return risk;
  return process == Process::Gateway ? gateway : rest;
}

std::vector<int> Placement::cpus() const {
  std::vector<int> all{feed, strategy, risk, gateway, rest};
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Placement place(const std::vector<int>& cpus) {
  if (cpus.size() >= kStages) {
    const std::size_t rest = std::min(kStages, cpus.size() - 1);
    return {cpus[0], cpus[1], cpus[2], cpus[3], cpus[rest]};
  }
  const int near = cpus.front();
  const int far = cpus[cpus.size() > 1 ? 1 : 0];
  return {near, near, far, far, cpus.back()};
}

std::string placement_text(const Placement& p) {
  return fmt::format("feed {}, strategy {}, risk {}, gateway {}, recorder {}", p.feed, p.strategy,
                     p.risk, p.gateway, p.rest);
}

std::vector<int> allowed_cpus() {
  cpu_set_t allowed{};
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) cpus.push_back(cpu);
  return cpus;
}

std::vector<int> parse_cpus(const std::string& text) {
  const std::vector<int> allowed = allowed_cpus();
  std::vector<int> cpus;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view part = std::string_view(text).substr(at, comma - at);
    const std::size_t dash = part.find('-');
    const int low = number(part.substr(0, dash), text);
    const int high = dash == std::string_view::npos ? low : number(part.substr(dash + 1), text);
    if (high < low || high >= CPU_SETSIZE) no_list(text);
    for (int cpu = low; cpu <= high; ++cpu) {
      if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end())
        throw Error(Exit::Usage, fmt::format("--cpus {}: CPU {} is named twice", text, cpu));
      if (std::find(allowed.begin(), allowed.end(), cpu) == allowed.end())
        throw Error(Exit::Usage,
                    fmt::format("--cpus {}: CPU {} is not one of this process's", text, cpu));
      cpus.push_back(cpu);
    }
    at = comma + 1;
  }
  return cpus;
}

}  // namespace sluice::bench
