// From the frame in hand to the publish of every stage: no allocation, no system call, no lock, no
// throw. The armed simulation plays the recorded tape; the virtual clock reads no counter of the
// host.
//
// System calls: a child installs a seccomp filter that lets only exit_group pass and plays on;
// whatever else it asks of the kernel ends it with SIGSYS. Locks and throws: the binary defines the
// functions itself.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <new>

#include "tests/sim/world.hpp"
#include "tests/support/alloc_guard.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_NATIVE 0
#else
#define SLUICE_NATIVE 1
#endif

namespace {
thread_local std::uint64_t locks_taken = 0;
thread_local std::uint64_t exceptions_thrown = 0;

template <class F>
F* next_symbol(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}
}  // namespace

#if SLUICE_NATIVE
extern "C" {
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const real = next_symbol<int(pthread_mutex_t*)>("pthread_mutex_lock");
  ++locks_taken;
  return real(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  static auto* const real = next_symbol<int(pthread_mutex_t*)>("pthread_mutex_trylock");
  ++locks_taken;
  return real(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  static auto* const real = next_symbol<int(pthread_rwlock_t*)>("pthread_rwlock_rdlock");
  ++locks_taken;
  return real(lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  static auto* const real = next_symbol<int(pthread_rwlock_t*)>("pthread_rwlock_wrlock");
  ++locks_taken;
  return real(lock);
}
int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
  static auto* const real = next_symbol<int(pthread_spinlock_t*)>("pthread_spin_lock");
  ++locks_taken;
  return real(lock);
}
[[noreturn]] void __cxa_throw(void* thrown, void* type, void (*destroy)(void*)) {
  static auto* const real = next_symbol<void(void*, void*, void (*)(void*))>("__cxa_throw");
  ++exceptions_thrown;
  real(thrown, type, destroy);
  __builtin_unreachable();
}
}
#endif

namespace sluice::sim {
namespace {

constexpr std::size_t kWarmUp = 4'000;
constexpr std::size_t kFrames = 28'000;

const Tape& tape() {
  static const Tape kTape = recorded_tape();
  return kTape;
}

// The armed pipeline in the middle of the tape.
class Armed {
 public:
  Armed() : world_(demo_world(), {.scripted_seat = false, .lean = true}), start_(world_.now()) {
    play(0, kWarmUp);
  }

  // Frames [from, to): time, the frame, a turn of every stage until nobody has anything to do.
  void play(std::size_t from, std::size_t to) noexcept {
    for (std::size_t i = from; i < to; ++i) {
      const HostTime due = start_ + Duration{tape()[i].at_ns / 12};
      while (world_.now() < due) {
        world_.pass(std::min(Duration::micros(500), due - world_.now()));
        world_.settle();
      }
      world_.send(tape()[i]);
      world_.settle();
    }
  }
  [[nodiscard]] std::uint64_t placed() { return world_.objects().paper_log->tail.load(); }

 private:
  World world_;
  HostTime start_;
};

TEST(HotPath, NoAllocationNoLockNoThrow) {
  Armed armed;
  const std::uint64_t log = armed.placed();
  const test::AllocGuard allocated;
  const std::uint64_t locks = locks_taken;
  const std::uint64_t thrown = exceptions_thrown;
  armed.play(kWarmUp, kWarmUp + kFrames);
  EXPECT_EQ(allocated.count(), 0u);
  EXPECT_EQ(locks_taken - locks, 0u);
  EXPECT_EQ(exceptions_thrown - thrown, 0u);
  EXPECT_GT(armed.placed() - log, 4u) << "orders, fills and exits must lie in the measured part";
}

// That the counters count.
TEST(HotPath, CountersCount) {
#if SLUICE_NATIVE
  const test::AllocGuard allocated;
  const std::uint64_t locks = locks_taken;
  const std::uint64_t thrown = exceptions_thrown;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  EXPECT_THROW(throw std::bad_alloc(), std::bad_alloc);
  delete new volatile int(1);
  EXPECT_EQ(locks_taken - locks, 1u);
  EXPECT_EQ(exceptions_thrown - thrown, 1u);
  EXPECT_GT(allocated.count(), 0u);
#else
  GTEST_SKIP() << "a sanitizer owns these functions";
#endif
}

// From here on only exit_group; anything else is SIGSYS.
bool close_the_kernel() {
  constexpr sock_filter kOnlyExit[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_exit_group},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS},
  };
  sock_filter code[std::size(kOnlyExit)];
  std::copy(std::begin(kOnlyExit), std::end(kOnlyExit), code);
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

struct ChildReport {
  std::uint64_t closed;
  std::uint64_t frames;
  std::uint64_t log_entries;
};

template <class Body>
int in_child(ChildReport& report, Body&& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    body(report);
    _exit(0);  // exit_group
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

ChildReport& shared_report() {
  void* memory =
      mmap(nullptr, sizeof(ChildReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(memory, MAP_FAILED);
  return *static_cast<ChildReport*>(memory);
}

void play_closed(ChildReport& report, bool ask_the_kernel) {
  Armed armed;
  const std::uint64_t log = armed.placed();
  if (!close_the_kernel()) _exit(3);
  report.closed = 1;
  for (std::size_t i = kWarmUp; i < kWarmUp + kFrames; ++i) {
    armed.play(i, i + 1);
    report.frames = i + 1 - kWarmUp;
    if (ask_the_kernel && report.frames == 100) static_cast<void>(syscall(SYS_getppid));
  }
  report.log_entries = armed.placed() - log;
  _exit(0);  // before the destructors: giving memory back asks the kernel
}

TEST(HotPath, NoSystemCall) {
#if SLUICE_NATIVE
  ChildReport& report = shared_report();
  const int status = in_child(report, [](ChildReport& r) { play_closed(r, false); });
  if (WIFEXITED(status) && WEXITSTATUS(status) == 3) GTEST_SKIP() << "seccomp is not allowed here";
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status) << " after " << report.frames
                                 << " frames";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(report.closed, 1u);
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_GT(report.log_entries, 4u);
#else
  GTEST_SKIP() << "a sanitizer asks the kernel by itself";
#endif
}

TEST(HotPath, OneSystemCallIsSeen) {
#if SLUICE_NATIVE
  ChildReport& report = shared_report();
  const int status = in_child(report, [](ChildReport& r) { play_closed(r, true); });
  if (WIFEXITED(status) && WEXITSTATUS(status) == 3) GTEST_SKIP() << "seccomp is not allowed here";
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
  EXPECT_EQ(report.frames, 100u);
#else
  GTEST_SKIP() << "a sanitizer asks the kernel by itself";
#endif
}

}  // namespace
}  // namespace sluice::sim
