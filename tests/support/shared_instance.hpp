// An instance in anonymous shared memory: forked children work on the same rings, and a killed one
// leaves them exactly as its last store did.
#pragma once

#include <sys/mman.h>

#include <new>
#include <utility>
#include <vector>

#include "core/instance.hpp"

namespace sluice::test {

class SharedInstance {
 public:
  SharedInstance(const PipelineConfig& config, const RunIdentity& run) {
    for (const ObjectPlan& plan : plan_objects(config)) {
      void* memory = map(plan.bytes);
      fill_header(*static_cast<SegmentHeader*>(memory), plan, config, run);
      bind(objects_, plan, memory);
    }
    fill_control(*objects_.control, config, run);
    fill_kill(*objects_.kill, *objects_.control);
    for (const auto& [memory, bytes] : maps_)
      Segment::publish(*static_cast<SegmentHeader*>(memory));
  }
  ~SharedInstance() {
    for (const auto& [memory, bytes] : maps_) ::munmap(memory, bytes);
  }
  SharedInstance(const SharedInstance&) = delete;
  SharedInstance& operator=(const SharedInstance&) = delete;

  [[nodiscard]] Objects& objects() noexcept { return objects_; }

 private:
  void* map(std::size_t bytes) {
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    maps_.emplace_back(memory, bytes);
    return memory;
  }

  std::vector<std::pair<void*, std::size_t>> maps_;
  Objects objects_;
};

// One object alone, with a header as an instance would give it.
template <class T>
class SharedObject {
 public:
  SharedObject(ObjectKind kind, std::uint64_t capacity)
      : bytes_(T::bytes(capacity)),
        memory_(
            ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    SegmentHeader& header = get().header;
    header.kind = kind;
    header.capacity = capacity;
    header.size = bytes_;
    Segment::publish(header);
  }
  ~SharedObject() { ::munmap(memory_, bytes_); }
  SharedObject(const SharedObject&) = delete;
  SharedObject& operator=(const SharedObject&) = delete;

  [[nodiscard]] T& get() noexcept { return *static_cast<T*>(memory_); }

 private:
  std::size_t bytes_;
  void* memory_;
};

struct SharedRing : SharedObject<RingMemory> {
  explicit SharedRing(std::uint64_t capacity) : SharedObject(ObjectKind::Ring, capacity) {}
};
struct SharedJournal : SharedObject<JournalMemory> {
  explicit SharedJournal(std::uint64_t capacity) : SharedObject(ObjectKind::Journal, capacity) {}
};

// A ring that has carried records up to `next` already: every slot holds its newest older lap.
inline void preset(RingMemory& ring, std::uint64_t next) {
  const std::uint64_t capacity = ring.header.capacity;
  for (std::uint64_t sequence = next > capacity ? next - capacity : 0; sequence != next; ++sequence)
    ring.slots()[sequence & (capacity - 1)].word.store(sequence + 1);
  ring.head.store(next);
}

}  // namespace sluice::test
