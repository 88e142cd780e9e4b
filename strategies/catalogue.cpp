#include "strategies/catalogue.hpp"

#include <array>

#include "core/error.hpp"

namespace sluice::strategies {
namespace {

struct Kind {
  std::string_view name;
  AnyStrategy (*make)(const config::Table& parameters);
};

template <Strategy S>
AnyStrategy make(const config::Table& parameters) {
  return S(S::parse(parameters));
}

constexpr std::array kKinds{
    Kind{"momentum_buying", make<MomentumBuying>},
};

}  // namespace

std::vector<std::string_view> known_kinds() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) names.push_back(kind.name);  // setup
  return names;
}

AnyStrategy make_strategy(const StrategyEntry& entry) {
  for (const Kind& kind : kKinds)
    if (kind.name == entry.kind) return kind.make(entry.parameters);
  std::string known;  // setup
  for (const Kind& kind : kKinds) {
    if (!known.empty()) known += ", ";
    known += kind.name;
  }
  throw Error(Exit::Usage, "strategy \"" + entry.name + "\": unknown kind \"" +  // setup
                               entry.kind +                                      // setup
                               "\"; known kinds: " + known);
}

}  // namespace sluice::strategies
