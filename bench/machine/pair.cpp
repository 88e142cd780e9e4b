#include "bench/machine/pair.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include "core/error.hpp"
#include "core/process.hpp"

namespace sluice::bench {
namespace {

constexpr unsigned kPatienceSeconds = 60;

// A record that never comes would be waited for without end.
class Patience {
 public:
  Patience() {
    std::signal(SIGALRM, [](int) {
      constexpr std::string_view kLine =
          "sluice-bench: a record is lost: no progress for a minute\n";
      static_cast<void>(::write(STDERR_FILENO, kLine.data(), kLine.size()));
      ::_exit(static_cast<int>(Exit::No));
    });
    ::alarm(kPatienceSeconds);
  }
  ~Patience() { ::alarm(0); }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;
};

bool has(const cpu_set_t& set, int cpu) noexcept {
  return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET(static_cast<std::size_t>(cpu), &set);
}

cpu_set_t allowed_now() {
  cpu_set_t allowed{};
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  return allowed;
}

void run_processes(const Cpus& cpus, const std::function<bool()>& peer,
                   const std::function<void()>& mine) {
  const pid_t child = ::fork();
  if (child < 0) throw Error("fork: no process left");
  if (child == 0) {
    ::alarm(kPatienceSeconds);
    if (!pin_to(cpus.peer).empty()) ::_exit(2);
    ::_exit(peer() ? 0 : 1);
  }
  mine();
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Error("the peer received something that was not sent, or died");
}

void run_threads(const Cpus& cpus, const std::function<bool()>& peer,
                 const std::function<void()>& mine) {
  bool right = false;
  std::thread other([&] { right = pin_to(cpus.peer).empty() && peer(); });
  mine();
  other.join();
  if (!right) throw Error("the peer received something that was not sent");
}

}  // namespace

Mapping::Mapping(std::size_t bytes)
    : data_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)),
      bytes_(bytes) {
  if (data_ == MAP_FAILED) throw Error("no memory for " + std::to_string(bytes) + " bytes");
}
Mapping::~Mapping() {
  ::munmap(data_, bytes_);
}

Pinned::Pinned(int cpu) {
  ::sched_getaffinity(0, sizeof before_, &before_);
  if (const std::string wrong = pin_to(cpu); !wrong.empty()) throw Error(wrong);
}
Pinned::~Pinned() {
  ::sched_setaffinity(0, sizeof before_, &before_);
}

Cpus first_two() {
  std::vector<int> found;
  const cpu_set_t allowed = allowed_now();
  for (int cpu = 0; cpu < CPU_SETSIZE && found.size() < 2; ++cpu)
    if (has(allowed, cpu)) found.push_back(cpu);
  if (found.size() < 2) throw Error(Exit::Unqualified, "a hop needs two CPUs, there is one");
  return {found[0], found[1]};
}

void must_be_allowed(const Cpus& cpus, Exit otherwise) {
  const cpu_set_t allowed = allowed_now();
  for (const int cpu : {cpus.mine, cpus.peer})
    if (!has(allowed, cpu))
      throw Error(otherwise, "CPU " + std::to_string(cpu) + " is not one of this process's");
}

void run_pair(Peer kind, const Cpus& cpus, const std::function<bool()>& peer,
              const std::function<void()>& mine) {
  must_be_allowed(cpus, Exit::Usage);
  const Pinned pinned(cpus.mine);
  const Patience patience;
  (kind == Peer::Process ? run_processes : run_threads)(cpus, peer, mine);
}

const Clock& bench_clock() {
  static const Clock clock(calibrate());
  return clock;
}

}  // namespace sluice::bench
