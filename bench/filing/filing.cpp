#include "bench/filing/filing.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "core/process.hpp"
#include "tools/recorder/recorder.hpp"

namespace sluice::bench {
namespace {

constexpr Duration kPatience = Duration::seconds(30);

// The instance as if it had this journal alone.
Objects with_one_journal(const Objects& objects, Process process) {
  Objects one = objects;
  one.journal.fill(nullptr);
  one.paper_log = nullptr;
  one.journal[static_cast<std::size_t>(process)] = &objects.journal_of(process);
  return one;
}

using Flag = std::atomic<bool>;

// Whether all is filed.
bool record(const RecorderConfig& config, Objects objects, const std::filesystem::path& dir,
            int cpu, const Flag& asked_to_stop) noexcept {
  try {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cpu != Filing::kAnyCpu)
      if (const std::string wrong = pin_to(cpu); !wrong.empty()) throw Error(wrong);
    Recorder recorder(config, objects, dir,
                      [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
    while (!asked_to_stop.load(std::memory_order_acquire))  // pairs with Filing::finish
      if (!recorder.turn()) ::sched_yield();
    return recorder.drain();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "recorder: %s\n", error.what());
    return false;
  }
}

}  // namespace

Filing::Filing(const RecorderConfig& config, const Objects& objects, Process journal,
               const std::filesystem::path& state_dir, int cpu)
    : journal_(objects.journal_of(journal)), asked_to_stop_(sizeof(Flag)), process_(::fork()) {
  if (process_ < 0) throw Error("fork: no process left");
  if (process_ > 0) return;
  const bool filed = record(config, with_one_journal(objects, journal), state_dir, cpu,
                            *static_cast<Flag*>(asked_to_stop_.data()));
  ::_exit(filed ? 0 : 1);
}

Filing::~Filing() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

void Filing::keep_up(std::uint64_t entries) {
  const auto behind = [this] {
    return journal_.tail.load(std::memory_order_relaxed) -
           journal_.head.load(std::memory_order_acquire);
  };
  while (behind() > entries) {
    const std::uint64_t before = behind();
    if (!await_soon([&] { return behind() < before || behind() <= entries; }, kPatience))
      throw Error("the recorder files nothing: is the disk full?");
  }
}

void Filing::finish() {
  static_cast<Flag*>(asked_to_stop_.data())->store(true, std::memory_order_release);
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = 0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Error("the recorder did not file everything");
}

}  // namespace sluice::bench
