// Memory whose place is drawn anew. Where objects lie decides how they collide in a core's
// predictors: one and the same work takes 14 % more in one process of ten here. So a source puts
// what it works on elsewhere in each turn, and a run's median is over places too.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <random>

#include "core/error.hpp"
#include "core/ring.hpp"

namespace sluice::bench {

class Scatter {
 public:
  Scatter()
      : base_(static_cast<std::byte*>(::mmap(nullptr, kSpan, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (base_ == MAP_FAILED) throw Error("no address space for what is measured");
    ::madvise(base_, kSpan, MADV_NOHUGEPAGE);
  }
  ~Scatter() { ::munmap(base_, kSpan); }
  Scatter(const Scatter&) = delete;
  Scatter& operator=(const Scatter&) = delete;

  // Zeroed, at the begin of a page, in the next of kParts parts of the whole: never one in another.
  std::byte* place(std::size_t bytes) {
    if (part_ == kParts || bytes > kPart / 2) throw Error("no place for what is measured");
    std::uniform_int_distribution<std::size_t> pages(0, (kPart - bytes) / kPage - 1);
    return base_ + kPart * part_++ + kPage * pages(random_);
  }
  // Everything placed so far is gone.
  void forget() {
    ::madvise(base_, kSpan, MADV_DONTNEED);
    part_ = 0;
  }

 private:
  static constexpr std::size_t kPage = 4'096;
  static constexpr std::size_t kParts = 8;
  static constexpr std::size_t kPart = std::size_t{1} << 28;
  static constexpr std::size_t kSpan = kParts * kPart;

  std::byte* base_;
  std::size_t part_ = 0;
  std::mt19937_64 random_{std::random_device()()};
};

// A ring or a journal of that many slots, ready for its first record.
template <class Memory>
Memory& place(Scatter& scatter, std::uint64_t capacity) {
  auto* memory = reinterpret_cast<Memory*>(scatter.place(Memory::bytes(capacity)));
  memory->header.capacity = capacity;
  return *memory;
}

}  // namespace sluice::bench
