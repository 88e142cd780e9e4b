// std::atomic as the headers of core see it in this folder: each load, store and exchange of a
// watched word goes through relacy, which picks the interleaving and, as far as the memory orders
// allow, an older value. So what is checked is core/ring.hpp itself, compiled as it stands, not a
// transcript.
//
// `atomic` is a macro below this line. The headers of the standard library and of relacy that
// anything needs are therefore included here, first; headers of core come after this one. Nothing
// of core is linked: an inline function of core exists twice otherwise, with two meanings.
//
// Words that are not watched are plain memory: not every payload word needs to be an atomic for a
// record to be torn.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// Not relacy.hpp: it makes macros of new, delete and assert.
#include <relacy/base.hpp>
#include <relacy/context.hpp>
#include <relacy/context_base_impl.hpp>
// relacy's context names the kinds of locks that it knows.
#include <relacy/atomic.hpp>
#include <relacy/atomic_fence.hpp>
#include <relacy/backoff.hpp>
#include <relacy/dyn_thread.hpp>
#include <relacy/stdlib/condition_variable.hpp>
#include <relacy/stdlib/event.hpp>
#include <relacy/stdlib/mutex.hpp>
#include <relacy/stdlib/semaphore.hpp>
#include <relacy/test_suite.hpp>
#include <relacy/thread_local.hpp>
#include <relacy/var.hpp>

#include "tests/model/relacy/site.hpp"

namespace sluice::model {

inline constexpr std::size_t kThreads = 4;  // at most, in one scenario

// One watched word in one execution.
class Cell {
 public:
  Cell(const void* address, const char* object, std::uint64_t value) noexcept
      : address_(address), object_(object) {
    word_.store(value, rl::mo_relaxed, RL_INFO);
    last_.fill(value);
  }

  [[nodiscard]] bool is(const void* address) const noexcept { return address_ == address; }

  std::uint64_t load(std::memory_order order, const std::source_location& at) noexcept {
    const Change change = change_at(at, object_, Access::Load, order);
    std::uint64_t& last = last_[rl::thread_index()];
    if (change != Change::Omitted) last = word_.load(modelled(order, change), info(at));
    return last;
  }
  void store(std::uint64_t value, std::memory_order order,
             const std::source_location& at) noexcept {
    const Change change = change_at(at, object_, Access::Store, order);
    if (change != Change::Omitted) word_.store(value, modelled(order, change), info(at));
  }
  std::uint64_t add(std::uint64_t value, std::memory_order order,
                    const std::source_location& at) noexcept {
    const Change change = change_at(at, object_, Access::Add, order);
    return word_.fetch_add(value, modelled(order, change), info(at));
  }
  bool exchange(std::uint64_t& expected, std::uint64_t value, std::memory_order order,
                const std::source_location& at) noexcept {
    const Change change = change_at(at, object_, Access::Exchange, order);
    return word_.compare_exchange_strong(expected, value, modelled(order, change), info(at));
  }

 private:
  static rl::debug_info info(const std::source_location& at) noexcept {
    return {at.function_name(), at.file_name(), at.line()};
  }
  static rl::memory_order modelled(std::memory_order order, Change change) noexcept {
    if (change == Change::Relaxed) return rl::mo_relaxed;
    switch (order) {
      case std::memory_order_relaxed: return rl::mo_relaxed;
      case std::memory_order_consume: return rl::mo_consume;
      case std::memory_order_acquire: return rl::mo_acquire;
      case std::memory_order_release: return rl::mo_release;
      case std::memory_order_acq_rel: return rl::mo_acq_rel;
      case std::memory_order_seq_cst: return rl::mo_seq_cst;
    }
    return rl::mo_seq_cst;
  }

  const void* address_;
  const char* object_;
  rl::atomic<std::uint64_t> word_;
  std::array<std::uint64_t, kThreads> last_{};  // what each thread saw last
};

// The watched words of the execution that runs; a part of its test suite, because relacy wants its
// atomics made and unmade in the execution. Words are found by address.
class Cells {
 public:
  static constexpr std::size_t kMost = 96;

  Cells() noexcept {
    table_.fill(nullptr);
    current_ = this;
  }
  ~Cells() {
    for (std::size_t i = 0; i < count_; ++i) cell(i)->~Cell();
    current_ = nullptr;
  }
  Cells(const Cells&) = delete;
  Cells& operator=(const Cells&) = delete;

  template <class Word>
  void watch(const Word& word, const char* object) noexcept {
    Cell*& place = table_[place_of(&word)];
    if (place != nullptr || count_ == kMost) std::abort();  // a larger table is needed
    place = new (storage_ + count_ * sizeof(Cell)) Cell(&word, object, word.unwatched());
    ++count_;
  }
  static Cell* find(const void* address) noexcept {
    if (current_ == nullptr) return nullptr;
    Cell* const found = current_->table_[place_of(address)];
    return found != nullptr && found->is(address) ? found : nullptr;
  }

 private:
  static std::size_t place_of(const void* address) noexcept {
    return reinterpret_cast<std::uintptr_t>(address) / sizeof(std::uint64_t) % kPlaces;
  }
  Cell* cell(std::size_t i) noexcept {
    return std::launder(reinterpret_cast<Cell*>(storage_ + i * sizeof(Cell)));
  }

  static constexpr std::size_t kPlaces = 512;  // 4 KiB of words in one piece never meet
  static inline Cells* current_ = nullptr;
  std::array<Cell*, kPlaces> table_;
  std::size_t count_ = 0;
  alignas(Cell) std::byte storage_[kMost * sizeof(Cell)];
};

template <class T>
class Atomic {
  static_assert(sizeof(T) == sizeof(std::uint64_t));
  using Where = std::source_location;

 public:
  static constexpr bool is_always_lock_free = true;

  Atomic() = default;
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order = std::memory_order_seq_cst,
         const Where& at = Where::current()) const noexcept {
    Cell* const cell = Cells::find(this);
    return cell ? std::bit_cast<T>(cell->load(order, at)) : value_;
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst,
             const Where& at = Where::current()) noexcept {
    if (Cell* const cell = Cells::find(this))
      cell->store(std::bit_cast<std::uint64_t>(value), order, at);
    else
      value_ = value;
  }
  T fetch_add(T value, std::memory_order order = std::memory_order_seq_cst,
              const Where& at = Where::current()) noexcept {
    if (Cell* const cell = Cells::find(this))
      return std::bit_cast<T>(cell->add(std::bit_cast<std::uint64_t>(value), order, at));
    return std::exchange(value_, value_ + value);
  }
  bool compare_exchange_strong(T& expected, T value,
                               std::memory_order order = std::memory_order_seq_cst,
                               const Where& at = Where::current()) noexcept {
    if (Cell* const cell = Cells::find(this)) return cell->exchange(expected, value, order, at);
    const bool same = value_ == expected;
    (same ? value_ : expected) = same ? value : value_;
    return same;
  }
  // A failure that is no difference is not modelled.
  bool compare_exchange_weak(T& expected, T value,
                             std::memory_order order = std::memory_order_seq_cst,
                             const Where& at = Where::current()) noexcept {
    return compare_exchange_strong(expected, value, order, at);
  }

  [[nodiscard]] std::uint64_t unwatched() const noexcept {
    return std::bit_cast<std::uint64_t>(value_);
  }

 private:
  T value_;
};

}  // namespace sluice::model

namespace std {
template <class T>
using modelled_atomic = sluice::model::Atomic<T>;
}  // namespace std
#define atomic modelled_atomic
// A pause of a waiting reader lets the others run, as it is meant to.
#define __builtin_ia32_pause() rl::yield(1, RL_INFO)
