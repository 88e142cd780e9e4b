#include "tests/stress/ring_endurance.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>

#include "core/error.hpp"
#include "core/ring.hpp"
#include "tests/support/shared_instance.hpp"

namespace sluice::test {
namespace {

constexpr std::uint64_t kFaultEvery = 1'000;
constexpr int kStalledSeconds = 10;

// Counts of each process on lines of its own; written all the time, so that the parent sees who
// moves.
struct Counts {
  alignas(kLinePair) std::atomic<std::uint64_t> published;
  alignas(kLinePair) std::atomic<std::uint64_t> received;
  std::atomic<std::uint64_t> lost, doubled, torn, corrupt;
  alignas(kLinePair) std::atomic<std::uint64_t> tap_read;
  std::atomic<std::uint64_t> tap_missed, tap_torn;
  alignas(kLinePair) std::atomic<std::uint64_t> held;  // the record that is being written wrongly
};

// One writer per word.
void add(std::atomic<std::uint64_t>& word) noexcept {
  word.store(word.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// Word i of record k: k under a mask of its own, so that any word tells the record.
constexpr std::uint64_t mask_of(std::size_t i) noexcept {
  return mix(i + 1);
}
Payload payload_of(std::uint64_t k) noexcept {
  Payload payload;
  for (std::size_t i = 0; i < kPayloadWords; ++i) payload[i] = k ^ mask_of(i);
  return payload;
}

// Spins a little, then lets others run: three processes may share two CPUs.
class Patience {
 public:
  void wait() noexcept {
    if (++waited_ % 128 == 0)
      ::sched_yield();
    else
      cpu_pause();
  }

 private:
  std::uint32_t waited_ = 0;
};

// The wrong order is the fault. Its window is nanoseconds wide: in one record of a thousand it is
// held open until the process that can see it has looked into it.
bool is_held(std::uint64_t sequence) noexcept {
  return sequence % kFaultEvery == 0;
}

class FaultyProducer {
 public:
  FaultyProducer(RingMemory& ring, const EndurancePlan& plan, Counts& counts)
      : ring_(ring), plan_(plan), counts_(counts) {}

  void push(std::uint64_t sequence, const Payload& payload) noexcept {
    while (sequence - ring_.head.load(std::memory_order_acquire) >= plan_.capacity)
      patience_.wait();
    // The record behind this one will be held: a tap that is lapped now would jump over it.
    if (is_for_tap() && is_held(sequence + 1)) await_tap(sequence + 1 - plan_.capacity);
    Slot& slot = ring_.slots()[sequence & (plan_.capacity - 1)];
    if (!is_for_tap()) slot.word.store(sequence + 1, std::memory_order_release);
    for (std::size_t i = 0; i < kPayloadWords; ++i) {
      if (i == kPayloadWords / 2 && is_held(sequence)) hold_open(sequence);
      slot.payload[i].store(payload[i], std::memory_order_release);
    }
    if (is_for_tap()) slot.word.store(sequence + 1, std::memory_order_release);
  }

 private:
  bool is_for_tap() const noexcept { return plan_.fault == RingFault::NotCleared; }
  void hold_open(std::uint64_t sequence) noexcept {
    counts_.held.store(sequence, std::memory_order_release);  // pairs with follow
    if (is_for_tap()) return await_tap(sequence + 1 - plan_.capacity);
    while (counts_.received.load(std::memory_order_relaxed) <= sequence - plan_.start)
      patience_.wait();
  }
  void await_tap(std::uint64_t sequence) noexcept {
    if (sequence <= plan_.start) return;
    while (counts_.tap_read.load(std::memory_order_relaxed) +
               counts_.tap_missed.load(std::memory_order_relaxed) <
           sequence - plan_.start)
      patience_.wait();
  }

  RingMemory& ring_;
  const EndurancePlan& plan_;
  Counts& counts_;
  Patience patience_;
};

void produce(RingMemory& ring, const EndurancePlan& plan, Counts& counts) {
  Producer producer(ring, plan.start);
  FaultyProducer faulty(ring, plan, counts);
  Patience patience;
  std::uint64_t next = plan.start;  // the faulty pushes leave the producer behind
  std::uint64_t k = plan.start;     // which record it is said to be
  for (const std::uint64_t end = plan.start + plan.records; next != end; ++next, ++k) {
    const bool due = next % kFaultEvery == kFaultEvery - 1;
    if (plan.fault == RingFault::Lost && due) ++k;
    if (plan.fault == RingFault::Doubled && due) --k;
    if (plan.fault == RingFault::NotCleared || plan.fault == RingFault::WordFirst) {
      faulty.push(next, payload_of(k));
    } else {
      while (producer.credit() == 0) patience.wait();
      producer.push(payload_of(k));
    }
    counts.published.store(next + 1 - plan.start, std::memory_order_relaxed);
  }
}

void consume(RingMemory& ring, const EndurancePlan& plan, Counts& counts) {
  Consumer consumer(ring, plan.start);
  Patience patience;
  std::uint64_t expected = plan.start;
  for (const std::uint64_t end = plan.start + plan.records; consumer.next() != end;) {
    Payload out;
    const Poll poll = consumer.poll(out);
    if (poll == Poll::Corrupt) return add(counts.corrupt);
    if (poll == Poll::Empty) {
      consumer.publish_head();
      patience.wait();
      continue;
    }
    if (out != payload_of(expected)) [[unlikely]] {
      const std::uint64_t k = out[0] ^ mask_of(0);
      add(out != payload_of(k) ? counts.torn : k > expected ? counts.lost : counts.doubled);
      if (out == payload_of(k)) expected = k;
    }
    ++expected;
    counts.received.store(consumer.next() - plan.start, std::memory_order_relaxed);
    consumer.publish_head_if_due();
  }
  consumer.publish_head();
}

void follow(const RingMemory& ring, const EndurancePlan& plan, Counts& counts) {
  RingTap tap(ring, plan.start);
  Patience patience;
  std::uint64_t expected = plan.start;
  for (const std::uint64_t end = plan.start + plan.records; expected != end;) {
    // The record of the lap before a held one is read while that one is written over it.
    const std::uint64_t over = expected + plan.capacity;
    if (plan.fault == RingFault::NotCleared && is_held(over) && over < end)
      while (counts.held.load(std::memory_order_acquire) != over) patience.wait();
    Payload out;
    const RingTap::Result result = tap.read(out);
    expected += result.missed;
    counts.tap_missed.store(counts.tap_missed.load(std::memory_order_relaxed) + result.missed,
                            std::memory_order_relaxed);
    if (result.poll != Poll::Record) {
      if (result.missed == 0) patience.wait();
      continue;
    }
    if (out != payload_of(expected) || result.sequence != expected) [[unlikely]]
      add(counts.tap_torn);
    ++expected;
    add(counts.tap_read);
  }
}

// A child that dies with its parent, whatever ends that one.
class Process {
 public:
  explicit Process(const std::function<void()>& body) {
    const pid_t parent = ::getpid();
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw Error("the ring's processes cannot be started: fork failed");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() == parent) body();
      ::_exit(0);
    }
    fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  }
  ~Process() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    if (fd_ >= 0) ::close(fd_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // False: nothing happened within the time.
  [[nodiscard]] bool await(int milliseconds) const {
    pollfd ended{fd_, POLLIN, 0};
    return ::poll(&ended, 1, milliseconds) > 0;
  }

 private:
  pid_t pid_ = 0;
  int fd_ = -1;
};

std::uint64_t moved(const Counts& counts) noexcept {
  return counts.published.load() + counts.received.load() + counts.tap_read.load() +
         counts.tap_missed.load();
}

// True if all of them ended by themselves.
bool await_all(const std::array<const Process*, 3>& processes, const Counts& counts) {
  std::uint64_t seen = 0;
  int idle = 0;
  for (const Process* process : processes)
    while (!process->await(1'000)) {
      const std::uint64_t now = moved(counts);
      idle = now == seen ? idle + 1 : 0;
      seen = now;
      if (idle == kStalledSeconds) return false;
    }
  return true;
}

}  // namespace

std::string_view name_of(RingFault fault) noexcept {
  switch (fault) {
    case RingFault::None: return "none";
    case RingFault::NotCleared: return "not-cleared";
    case RingFault::WordFirst: return "word-first";
    case RingFault::Lost: return "lost";
    case RingFault::Doubled: return "doubled";
  }
  return "?";
}

std::string EnduranceResult::fault() const {
  if (corrupt != 0) return "the consumer met a corrupt word";
  if (!ended) return "nothing moved for ten seconds";
  if (torn != 0) return std::to_string(torn) + " records torn";
  if (lost != 0) return std::to_string(lost) + " records lost";
  if (doubled != 0) return std::to_string(doubled) + " records doubled or out of order";
  if (received != published) return "published and received differ";
  if (tap_torn != 0) return std::to_string(tap_torn) + " records torn for the tap";
  if (tap_read + tap_missed != published) return "the tap's read and missed are not what there was";
  return {};
}

EnduranceResult endure(const EndurancePlan& plan) {
  SharedRing ring(plan.capacity);
  preset(ring.get(), plan.start);
  void* memory =
      ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Error("no memory for the counts of the ring's processes");
  const Counts& counts = *static_cast<Counts*>(memory);
  EnduranceResult result;
  const auto start = std::chrono::steady_clock::now();
  {
    Counts& shared = *static_cast<Counts*>(memory);
    const Process tap([&] { follow(ring.get(), plan, shared); });
    const Process consumer([&] { consume(ring.get(), plan, shared); });
    const Process producer([&] { produce(ring.get(), plan, shared); });
    result.ended = await_all({&producer, &consumer, &tap}, counts);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.published = counts.published.load();
  result.received = counts.received.load();
  result.lost = counts.lost.load();
  result.doubled = counts.doubled.load();
  result.torn = counts.torn.load();
  result.corrupt = counts.corrupt.load();
  result.tap_read = counts.tap_read.load();
  result.tap_missed = counts.tap_missed.load();
  result.tap_torn = counts.tap_torn.load();
  ::munmap(memory, sizeof(Counts));
  return result;
}

}  // namespace sluice::test
