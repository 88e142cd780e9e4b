#include "bench/hop/pair.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "core/error.hpp"
#include "core/process.hpp"

namespace sluice::bench {
namespace {

constexpr unsigned kPatienceSeconds = 60;

// This thread goes back to where it may run when the measurement is over.
class Pinned {
 public:
  explicit Pinned(int cpu) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    if (const std::string wrong = pin_to(cpu); !wrong.empty()) throw Error(wrong);
  }
  ~Pinned() { ::sched_setaffinity(0, sizeof before_, &before_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
};

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

void run_pair(Peer kind, const Cpus& cpus, const std::function<bool()>& peer,
              const std::function<void()>& mine) {
  const Pinned pinned(cpus.mine);
  ::alarm(kPatienceSeconds);
  (kind == Peer::Process ? run_processes : run_threads)(cpus, peer, mine);
  ::alarm(0);
}

const Clock& bench_clock() {
  static const Clock clock(calibrate());
  return clock;
}

}  // namespace sluice::bench
