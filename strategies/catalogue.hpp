// The strategies that exist, as an explicit table: the word in the configuration -> how it is
// built. No self-registration; adding a strategy is one type in AnyStrategy and one line in
// catalogue.cpp.
#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "core/pipeline.hpp"
#include "strategies/momentum_buying.hpp"

namespace sluice::strategies {

using AnyStrategy = std::variant<MomentumBuying>;
static_assert(std::is_trivially_copyable_v<AnyStrategy>);

[[nodiscard]] std::vector<std::string_view> known_kinds();

// Parses the entry's parameters into a fresh strategy. An unknown kind throws Error (Exit::Usage)
// that lists the known ones; faulty parameters become faults of the document as everywhere.
[[nodiscard]] AnyStrategy make_strategy(const StrategyEntry& entry);

}  // namespace sluice::strategies
