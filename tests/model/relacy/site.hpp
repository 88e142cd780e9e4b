// The places in core's headers that touch a watched word, and the mutants that are made of them:
// every order weaker, every relaxed access left out. They are found by running, so that none is
// forgotten.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <string_view>

namespace sluice::model {

enum class Access : std::uint8_t { Load = 1, Store = 2, Add = 3, Exchange = 4 };
enum class Change : std::uint8_t { None = 0, Relaxed = 1, Omitted = 2 };

struct Site {
  std::source_location at;
  const char* object = "";  // name of the watched word: head, word, payload
  Access access = Access::Load;
  std::memory_order order = std::memory_order_relaxed;

  // "BasicProducer::push: word.store(release)"
  [[nodiscard]] std::string name() const;
};

// Fixed size: what is allocated in an execution counts as leaked by it.
struct Sites {
  static constexpr std::size_t kMost = 64;
  std::array<Site, kMost> at{};
  std::size_t count = 0;

  [[nodiscard]] std::span<const Site> all() const noexcept { return {at.data(), count}; }
  void note(const Site& site) noexcept;
};

struct Mutant {
  Site site;
  Change change = Change::None;

  // "BasicProducer::push: word.store(release) -> relaxed"
  [[nodiscard]] std::string name() const;
};

// What happens to the executions that run: their sites are noted, or one of them is changed.
inline Sites* noting = nullptr;
inline const Mutant* mutating = nullptr;

inline Change change_at(const std::source_location& at, const char* object, Access access,
                        std::memory_order order) noexcept {
  if (mutating != nullptr) {
    const Site& site = mutating->site;
    const bool here = site.at.line() == at.line() && site.object == object &&
                      site.access == access && site.order == order &&
                      std::string_view(site.at.file_name()) == at.file_name();
    return here ? mutating->change : Change::None;
  }
  if (noting != nullptr) noting->note({at, object, access, order});
  return Change::None;
}

}  // namespace sluice::model
