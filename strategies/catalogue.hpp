// The strategies that exist: the one place that lists them. A kind is the word in the configuration
// and stands in the strategy's class (kKind); how it is built follows from this list.
#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "core/pipeline.hpp"
#include "strategies/momentum_buying.hpp"

namespace sluice::strategies {

// clang-format off
using AnyStrategy = std::variant<
    MomentumBuying
>;
// clang-format on
static_assert(std::is_trivially_copyable_v<AnyStrategy>);

[[nodiscard]] std::vector<std::string_view> known_kinds();

// Parses the entry's parameters into a fresh strategy. An unknown kind throws Error (Exit::Usage)
// that lists the known ones; faulty parameters become faults of the document as everywhere.
[[nodiscard]] AnyStrategy make_strategy(const StrategyEntry& entry);

}  // namespace sluice::strategies
