#include "bench/baseline/source.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace sluice::bench {
namespace {

constexpr SourceEntry kSources[]{
    {"core", "what every turn of a driver is made of, in one thread", true, true, 6,
     &make_core_source},
    {"hop", "one hop between two processes, beside the machine's floor", false, false, 1,
     &make_hop_source},
};

}  // namespace

std::span<const SourceEntry> sources() noexcept {
  return kSources;
}

const SourceEntry& source_named(std::string_view name) {
  std::string known;
  for (const SourceEntry& entry : kSources) {
    if (entry.name == name) return entry;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.name);
  }
  throw Error(Exit::Usage, fmt::format("source '{}' is not known; there are: {}", name, known));
}

}  // namespace sluice::bench
