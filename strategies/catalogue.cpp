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

template <class List>
struct Catalogue;
template <Strategy... S>
struct Catalogue<std::variant<S...>> {
  static constexpr std::array kKinds{Kind{S::kKind, make<S>}...};
};
constexpr auto kKinds = Catalogue<AnyStrategy>::kKinds;

consteval bool words_are_unique() {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (kKinds[i].name == kKinds[k].name) return false;
  return true;
}
static_assert(words_are_unique(), "two strategies with one kKind");

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
