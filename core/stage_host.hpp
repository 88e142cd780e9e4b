// The common frame of every stage process: command line, configuration, attaching, lease, CPU,
// memory, and the loop around a driver's turn(). A stage's main.cpp is a parse function and a run
// function.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <variant>

#include "core/build.hpp"
#include "core/checkpoint_file.hpp"
#include "core/clock.hpp"
#include "core/config.hpp"
#include "core/instance.hpp"
#include "core/journal_file.hpp"
#include "core/log.hpp"
#include "core/options.hpp"
#include "core/process.hpp"

namespace sluice {

class StageHost {
 public:
  // Waits for the instance, takes the lease of `process`, pins, locks memory. Throws Error.
  StageHost(Process process, const StageOptions& options, const PipelineConfig& pipeline,
            std::uint64_t config_hash);
  ~StageHost();
  StageHost(const StageHost&) = delete;
  StageHost& operator=(const StageHost&) = delete;

  [[nodiscard]] AttachedInstance& instance() noexcept { return instance_; }
  [[nodiscard]] Objects& objects() noexcept { return instance_.objects(); }
  [[nodiscard]] StagePage& page() noexcept { return *page_; }
  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
  [[nodiscard]] Process process() const noexcept { return process_; }

  void set_state(StageState state) noexcept;
  // Last step of the setup: from here on the loop allocates nothing.
  void ready() noexcept { set_state(StageState::Ready); }

  // Calls turn() -> bool (did anything) until the run ends, or a stop is asked for and
  // drained(quiet)
  // -> bool says that nothing is owed; `quiet` is how long turn() has done nothing. Returns the
  // exit code.
  template <class Turn, class Drained, class Faulted>
  Exit loop(Turn&& turn, Drained&& drained, Faulted&& faulted) noexcept;

 private:
  enum class Look : std::uint8_t { GoOn = 1, Drain = 2, RunEnded = 3 };
  [[nodiscard]] Look look_around() const noexcept;
  void settle(const StageOptions& options, const PipelineConfig& pipeline);
  void log_changes() noexcept;

  Process process_;
  AttachedInstance instance_;
  StagePage* page_ = nullptr;
  Clock clock_;
  Waiter waiter_;
  Log log_;  // its writer thread formats what the hot loop hands over
  Log::Producer hot_log_;
  std::uint64_t conditions_logged_ = 0;
  std::uint64_t obeyed_logged_ = 0;
};

// Entries of a journal for recovery: the files up to the recorder's head, the ring above it. Not
// the ring first: a turn that a crash cut off has overwritten slots below the head, which it was
// free to do.
class RecoverySource {
 public:
  RecoverySource(const JournalMemory& memory, const std::filesystem::path& state_dir,
                 const std::string& journal);
  bool operator()(JournalSlot& out, std::uint64_t position);
  // The newest filed checkpoint at or below `limit`; files that are refused are named on stderr.
  [[nodiscard]] std::optional<Checkpoint> checkpoint(std::uint64_t limit) const;

 private:
  const JournalMemory& memory_;
  std::filesystem::path dir_;
  std::string journal_;
  std::uint64_t capacity_;
  std::uint64_t tail_;
  std::uint64_t head_;  // before files_: what the recorder gave back was in the files by then
  JournalFiles files_;
};

// What a process says before anybody can read its page: one line on stderr.
void say_line(Process process, const std::string& text);

template <class Turn, class Drained, class Faulted>
Exit StageHost::loop(Turn&& turn, Drained&& drained, Faulted&& faulted) noexcept {
  constexpr std::uint32_t kLookEvery = 256;
  std::uint32_t turns = 0;
  bool draining = false;
  HostTime quiet_since = clock_.now();
  std::uint64_t worked = page_->turns.load(std::memory_order_relaxed);
  for (;;) {
    if (turn()) {
      waiter_.busy();
      page_->turns.store(++worked, std::memory_order_relaxed);
      quiet_since = clock_.now();
    } else {
      waiter_.idle();
    }
    if (++turns % kLookEvery != 0 && !draining) continue;
    log_changes();
    const Look look = look_around();
    if (look == Look::RunEnded) {
      say_line(process_, "run ended");
      return Exit::Ok;
    }
    draining = draining || look == Look::Drain;
    if (faulted() && draining) return Exit::No;
    if (draining && drained(clock_.now() - quiet_since)) {
      set_state(StageState::Stopped);
      return Exit::Ok;
    }
  }
}

namespace detail {
int report_error(const std::string& program, const std::exception& error) noexcept;
std::string version_text();
}  // namespace detail

// main() of a stage. parse(document, pipeline, options) -> Config; run(host, pipeline, config,
// options) -> Exit.
template <class Parse, class Run>
int stage_main(int argc, char** argv, StageProgram program, Process process, Parse&& parse,
               Run&& run) {
  program.version = detail::version_text();
  try {
    auto parsed = parse_stage_options(argc, argv, program);
    if (const Exit* exit = std::get_if<Exit>(&parsed)) return static_cast<int>(*exit);
    const auto& options = std::get<StageOptions>(parsed);
    const config::Document document = config::Document::load(options.conf);
    PipelineConfig pipeline = parse_pipeline(document);
    if (options.instance) pipeline.instance = *options.instance;
    if (options.state_dir) pipeline.state_dir = *options.state_dir;
    const auto config = parse(document, pipeline, options);
    document.check();
    if (options.check) {
      std::printf("%s: ok\n", options.conf.c_str());
      return 0;
    }
    StopSignal::install();
    StageHost host(is_seat(process) && options.seat ? seat_process(*options.seat) : process,
                   options, pipeline, document.hash());
    try {
      return static_cast<int>(run(host, pipeline, config, options));
    } catch (const std::exception& error) {
      write_fault(host.page(), error.what());
      throw;
    }
  } catch (const std::exception& error) {
    return detail::report_error(program.name, error);
  }
}

}  // namespace sluice
