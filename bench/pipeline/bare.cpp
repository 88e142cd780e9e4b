#include "bench/pipeline/bare.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "core/error.hpp"
#include "core/process.hpp"
#include "core/ring.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kCapacity = 8192;  // as the rings of ticks have
constexpr std::size_t kTurn = 16;          // records per turn at most, as a driver takes ticks
constexpr std::uint64_t kNapAfterNs = 2'000'000'000;  // as stages that wait as `auto` has chosen
constexpr double kMost = 100e6;                       // records of one stream
constexpr std::array kNames{"feed", "strategy", "risk", "gateway"};

struct Seen {  // of the flag, by one gate
  alignas(kLinePair) std::atomic<std::uint64_t> value;
  std::atomic<std::int64_t> at_ns;
};

std::uint64_t records_of(Duration time, double rate) noexcept {
  return static_cast<std::uint64_t>(static_cast<double>(time.ns) * rate / 1e9);
}

// Before any memory is asked for.
std::uint64_t checked(const BarePlan& plan) {
  const double most = static_cast<double>(plan.length.ns) * plan.rate / 1e9;
  if (most >= 1 && most <= kMost) return records_of(plan.length, plan.rate);
  throw Error(Exit::Usage, "a bare stream of " + std::to_string(most) +
                               " records: 1 to 100 million are possible");
}

}  // namespace

// One writer per word: the feed's seat `end`, the gateway's `taken` and the samples, a gate its
// Seen, whoever finds a fault `wrong`, and the caller `begin`, `stop` and `flag`.
struct Bare::Memory {
  alignas(kLinePair) std::atomic<std::uint64_t> begin;
  std::atomic<std::uint64_t> stop;
  alignas(kLinePair) std::atomic<std::uint64_t> flag;
  alignas(kLinePair) std::atomic<std::uint64_t> end;    // 1 + records made; 0: not known yet
  alignas(kLinePair) std::atomic<std::uint64_t> taken;  // records that went through
  std::atomic<std::uint64_t> wrong;                     // 1 + the record that was missing
  Seen seen[kBareSeats];                                // the gates' are used

  static constexpr std::size_t bytes(std::uint64_t most) noexcept {
    return sizeof(Memory) + (kBareSeats - 1) * RingMemory::bytes(kCapacity) + most * 8;
  }
  // The ring behind a seat.
  RingMemory& ring(std::size_t seat) noexcept {
    return *reinterpret_cast<RingMemory*>(reinterpret_cast<std::byte*>(this + 1) +
                                          seat * RingMemory::bytes(kCapacity));
  }
  std::int64_t* samples() noexcept {
    return reinterpret_cast<std::int64_t*>(reinterpret_cast<std::byte*>(this + 1) +
                                           (kBareSeats - 1) * RingMemory::bytes(kCapacity));
  }
};

// What one process does. Payload: the record's number from 0, and when it was due.
struct Bare::Seat {
  Memory& memory;
  const BarePlan& plan;
  std::size_t number;
  Waiter waiter;

  // Never gives a record up: without room it waits, and the record stays due when it was.
  void feed(std::uint64_t most) noexcept {
    Producer out(memory.ring(0), 0);
    while (memory.begin.load(std::memory_order_acquire) == 0) waiter.idle();
    const HostTime begin = bench_clock().now();
    std::uint64_t made = 0;
    while (made < most && memory.stop.load(std::memory_order_relaxed) == 0) {
      const auto behind = static_cast<std::int64_t>(static_cast<double>(made) * 1e9 / plan.rate);
      const HostTime due = begin + Duration{behind};
      if (bench_clock().now() < due || out.credit() == 0) {
        waiter.idle();
        continue;
      }
      waiter.busy();
      out.push({made++, static_cast<std::uint64_t>(due.ns)});
    }
    memory.end.store(made + 1, std::memory_order_release);  // pairs with over()
  }

  // False: a record was missing.
  template <class Pass>
  bool take(Pass&& pass) noexcept {
    Consumer in(memory.ring(number - 1), 0);
    Payload record;
    std::uint64_t next = 0;
    for (std::uint64_t flag = 0;;) {
      look_at_flag(flag);
      std::size_t taken = 0;
      for (; taken < kTurn; ++taken) {
        const Poll poll = in.poll(record);
        if (poll == Poll::Empty) break;
        if (poll == Poll::Corrupt || record[0] != next) {
          memory.wrong.store(next + 1, std::memory_order_release);
          return false;
        }
        pass(record);
        ++next;
      }
      if (taken > 0) {
        waiter.busy();
        in.publish_head_if_due();
        continue;
      }
      in.publish_head();
      if (over(next)) return true;
      waiter.idle();
    }
  }

  bool relay() noexcept {
    Producer out(memory.ring(number), 0);
    return take([&](const Payload& record) {
      if (number == 2 && plan.lose == record[0]) return;
      while (!out.try_push(record)) waiter.idle();
    });
  }

  bool arrive() noexcept {
    const std::uint64_t warm = records_of(plan.warm_up, plan.rate);
    std::int64_t* samples = memory.samples();
    return take([&](const Payload& record) {
      const std::int64_t now = bench_clock().now().ns;
      if (record[0] >= warm) *samples++ = now - static_cast<std::int64_t>(record[1]);
      memory.taken.store(record[0] + 1, std::memory_order_relaxed);
    });
  }

 private:
  [[nodiscard]] bool over(std::uint64_t next) const noexcept {
    return memory.end.load(std::memory_order_acquire) == next + 1;
  }
  void look_at_flag(std::uint64_t& known) noexcept {
    if (number < 2) return;
    const std::uint64_t now = memory.flag.load(std::memory_order_acquire);  // pairs with raise_flag
    if (now == known) return;
    known = now;
    Seen& seen = memory.seen[number];
    seen.at_ns.store(bench_clock().now().ns, std::memory_order_relaxed);
    seen.value.store(now, std::memory_order_release);  // pairs with raise_flag
  }
};

Bare::Bare(const BarePlan& plan)
    : plan_(plan), most_(checked(plan)), mapping_(Memory::bytes(most_)) {
  for (std::size_t i = 0; i + 1 < kBareSeats; ++i) memory().ring(i).header.capacity = kCapacity;
  static_cast<void>(bench_clock());  // calibrated once, before the seats inherit it
  int ends[2];
  if (::pipe(ends) != 0) throw Error("pipe: no descriptor left");
  try {
    for (std::size_t seat = 0; seat < kBareSeats; ++seat) start(seat, ends[1]);
    ::close(ends[1]);
    await_ready(ends[0]);
  } catch (...) {
    stop_all();
    ::close(ends[0]);
    throw;
  }
  ::close(ends[0]);
  memory().begin.store(1, std::memory_order_release);
}

Bare::~Bare() {
  stop_all();
}

void Bare::start(std::size_t seat, int ready) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw Error("fork: no process left");
  if (child > 0) {
    children_[seat] = {child, static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
    if (children_[seat].fd < 0) throw Error("pidfd_open: no descriptor left");
    return;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  for (const int number : {SIGINT, SIGTERM, SIGALRM}) std::signal(number, SIG_DFL);
  if (!pin_to(plan_.cpus[seat]).empty()) ::_exit(static_cast<int>(Exit::Usage));
  const bool shares = std::count(plan_.cpus.begin(), plan_.cpus.end(), plan_.cpus[seat]) > 1;
  const WaitStrategy wait = choose_wait(plan_.wait, !shares);
  Seat mine{memory(), plan_, seat, Waiter(wait, kNapAfterNs)};
  static_cast<void>(lock_memory());  // so that no page faults while it is measured
  const char here = 1;
  if (::write(ready, &here, 1) != 1) ::_exit(1);
  bool right = true;
  if (seat == 0)
    mine.feed(most_);
  else
    right = seat + 1 == kBareSeats ? mine.arrive() : mine.relay();
  ::_exit(right ? 0 : 1);
}

void Bare::await_ready(int ready) {
  char here[kBareSeats];
  for (std::size_t count = 0; count < kBareSeats;) {
    pollfd one{ready, POLLIN, 0};
    const ssize_t got = ::poll(&one, 1, 5'000) > 0 ? ::read(ready, here, sizeof here) : 0;
    if (StopSignal::asked()) throw Error(Exit::Interrupted, "interrupted");
    for (const Child& child : children_) must_live(child);
    if (got <= 0) throw Error("a bare seat does not start");
    count += static_cast<std::size_t>(got);
  }
}

// A seat that ended before its time.
void Bare::must_live(const Child& child) const {
  siginfo_t how{};
  if (child.pid < 0 ||
      ::waitid(P_PID, static_cast<id_t>(child.pid), &how, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      how.si_pid == 0 || (how.si_code == CLD_EXITED && how.si_status == 0))
    return;
  const auto seat = static_cast<std::size_t>(&child - children_.data());
  if (const std::uint64_t wrong = memory().wrong.load(std::memory_order_acquire); wrong != 0)
    throw Error("the bare seat of " + std::string(kNames[seat]) + " missed record " +
                std::to_string(wrong - 1));
  if (how.si_code == CLD_EXITED && how.si_status == static_cast<int>(Exit::Usage))
    throw Error(Exit::Usage, "CPU " + std::to_string(plan_.cpus[seat]) +
                                 " is not one of this process's: see `taskset -p $$`");
  throw Error("the bare seat of " + std::string(kNames[seat]) + " died");
}

FlagEcho Bare::raise_flag() {
  Memory& shared = memory();
  const std::uint64_t wanted = ++flags_;
  const HostTime at = bench_clock().now();
  shared.flag.store(wanted, std::memory_order_release);
  const auto seen = [&](std::size_t seat) {
    return shared.seen[seat].value.load(std::memory_order_acquire) == wanted;
  };
  if (!await_soon([&] { return seen(2) && seen(3); }, plan_.patience)) {
    for (const Child& child : children_) must_live(child);
    throw Error("a bare seat does not see the flag");
  }
  const auto reaction = [&](std::size_t seat) {
    return HostTime{shared.seen[seat].at_ns.load(std::memory_order_relaxed)} - at;
  };
  return {reaction(2), reaction(3)};
}

void Bare::end() noexcept {
  memory().stop.store(1, std::memory_order_relaxed);
}

BareResult Bare::finish() {
  const HostTime until = bench_clock().now() + plan_.length + plan_.patience;
  for (const Child& child : children_) {
    pollfd one{child.fd, POLLIN, 0};
    while (::poll(&one, 1, 100) <= 0) {
      if (StopSignal::asked()) throw Error(Exit::Interrupted, "interrupted");
      for (const Child& other : children_) must_live(other);
      if (bench_clock().now() > until) throw Error("records are lost in the bare topology");
    }
    must_live(child);
  }
  BareResult result;
  result.records = memory().taken.load(std::memory_order_relaxed);
  if (result.records + 1 != memory().end.load(std::memory_order_acquire))
    throw Error("records are lost in the bare topology");
  const std::uint64_t warm = records_of(plan_.warm_up, plan_.rate);
  if (result.records > warm)
    result.latency_ns.assign(memory().samples(), memory().samples() + (result.records - warm));
  return result;
}

void Bare::stop_all() noexcept {
  for (Child& child : children_) {
    if (child.pid < 0) continue;
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    if (child.fd >= 0) ::close(child.fd);
    child = {};
  }
}

BareResult run_bare(const BarePlan& plan) {
  Bare bare(plan);
  return bare.finish();
}

}  // namespace sluice::bench
