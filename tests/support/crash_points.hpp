// Death at every instruction of code that writes shared memory.
//
// A world is made, a child works on it and is killed, the parent judges what is left; then again
// with another world and the next instruction, until the child comes to its end. Nothing is drawn:
// behind instruction 0, 1, 2, ... of the body there is one death each.
//
// Bodies of thousands of instructions (system calls, text) die in every *state* instead. All that a
// death leaves is the shared memory as it is then, and that is compared after each instruction: one
// death in each content that differs from the one before is a death at every instruction. So it is
// done under a sanitizer as well, which makes many instructions of one.
#pragma once

#include <sys/mman.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "tests/support/single_step.hpp"

namespace sluice::test {

// How much of what the dead process was doing is to be seen.
enum class Left : std::uint8_t { Nothing = 0, Part = 1, All = 2 };

struct Judgement {
  Left left = Left::Nothing;
  std::string fault;  // empty: what is left is as good as was promised
};

struct CrashPoints {
  std::uint64_t instructions = 0;  // from the marker to the end of the body
  std::uint64_t deaths = 0;
  std::array<std::uint64_t, 3> left{};  // deaths, by Left
  std::string fault;                    // the first one, which ends the search

  [[nodiscard]] std::uint64_t of(Left what) const { return left[static_cast<std::size_t>(what)]; }
  void print(const char* what) const {
    std::printf("%s: %llu instructions, %llu deaths: nothing %llu, part %llu, all %llu\n", what,
                static_cast<unsigned long long>(instructions),
                static_cast<unsigned long long>(deaths),
                static_cast<unsigned long long>(of(Left::Nothing)),
                static_cast<unsigned long long>(of(Left::Part)),
                static_cast<unsigned long long>(of(Left::All)));
  }
};

// Plain objects in zeroed memory that a child shares. T is never constructed, as in a segment.
template <class T>
class Shared {
 public:
  Shared()
      : memory_(
            ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~Shared() { ::munmap(memory_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  [[nodiscard]] T& operator*() const noexcept { return *static_cast<T*>(memory_); }
  [[nodiscard]] T* operator->() const noexcept { return static_cast<T*>(memory_); }
  [[nodiscard]] std::vector<std::span<const char>> shared() const {
    return {{static_cast<const char*>(memory_), sizeof(T)}};
  }

 private:
  void* memory_;
};

enum class Deaths : std::uint8_t { EveryInstruction = 1, EveryState = 2 };

#if defined(__SANITIZE_ADDRESS__)
inline constexpr Deaths kShortBody = Deaths::EveryState;
#else
inline constexpr Deaths kShortBody = Deaths::EveryInstruction;
#endif
inline constexpr Deaths kLongBody = Deaths::EveryState;

namespace detail {

// Says when shared memory has changed so many times since the first look.
class ChangeCounter {
 public:
  ChangeCounter(std::vector<std::span<const char>> watched, std::uint64_t wanted)
      : watched_(std::move(watched)), seen_(watched_.size()), wanted_(wanted) {}
  bool enough() {
    bool changed = false;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      const bool same = seen_[i].size() == watched_[i].size() &&
                        std::memcmp(seen_[i].data(), watched_[i].data(), seen_[i].size()) == 0;
      if (!same) seen_[i].assign(watched_[i].begin(), watched_[i].end());
      changed = changed || !same;
    }
    if (changed && looked_) ++changes_;
    looked_ = true;
    return changes_ == wanted_;
  }

 private:
  std::vector<std::span<const char>> watched_;
  std::vector<std::vector<char>> seen_;
  std::uint64_t wanted_;
  std::uint64_t changes_ = 0;
  bool looked_ = false;
};

}  // namespace detail

// World: default-constructible, shared() -> what its memory is. `body(World&)` calls crash_marker()
// where dying begins; `judge(World&) -> Judgement`.
template <class World, class Body, class Judge>
CrashPoints die_everywhere(Deaths deaths, Body&& body, Judge&& judge) {
  CrashPoints points;
  for (std::uint64_t k = 0;; ++k) {
    World world;
    const auto child = [&] {
      body(world);
      leave_at_once();
    };
    detail::ChangeCounter changes(world.shared(), k);
    const StepResult result =
        deaths == Deaths::EveryInstruction
            ? run_and_kill(child, k)
            : run_and_kill(child, [&](std::uint64_t) { return changes.enough(); });
    points.instructions = result.steps;
    if (result.end == StepEnd::Failed || (result.end == StepEnd::Exited && result.status != 0)) {
      points.fault = "the child failed by itself with " + std::to_string(result.status);
      return points;
    }
    const Judgement judgement = judge(world);
    ++points.deaths;
    ++points.left[static_cast<std::size_t>(judgement.left)];
    if (!judgement.fault.empty()) {
      points.fault =
          "dead after " + std::to_string(result.steps) + " instructions: " + judgement.fault;
      return points;
    }
    if (result.end == StepEnd::Exited) return points;
  }
}

}  // namespace sluice::test
