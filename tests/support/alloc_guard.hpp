// Counts the heap allocations of this thread, so that a test can show that a hot path makes none.
//
// Natively malloc and its relatives are replaced (operator new ends there); under a sanitizer,
// which owns malloc already, its hooks are used. An object file that links this gets the counting
// with it.
#pragma once

#include <cstdint>

namespace sluice::test {

// Allocations of the calling thread so far.
std::uint64_t allocations() noexcept;

class AllocGuard {
 public:
  AllocGuard() noexcept : before_(allocations()) {}
  [[nodiscard]] std::uint64_t count() const noexcept { return allocations() - before_; }

 private:
  std::uint64_t before_;
};

}  // namespace sluice::test
