#include "tools/ctl/status.hpp"

#include "core/error.hpp"
#include "core/process.hpp"
#include "tools/ctl/text.hpp"
#include "tools/ctl/verbs.hpp"

namespace sluice::ctl {
namespace {

bool expected(const ControlPage& control, Process p) noexcept {
  if (!is_seat(p)) return true;
  const auto seat = static_cast<unsigned>(p) - static_cast<unsigned>(Process::Seat0);
  return (control.seats_taken >> seat & 1u) != 0;
}

ProcessStatus process_status(const Sight& sight, Process p) {
  ProcessStatus status;
  status.process = p;
  status.expected = expected(sight.control(), p);
  status.alive = alive_of(sight, p);
  if (const JournalMemory* journal = sight.journal(p); journal != nullptr) {
    const std::uint64_t head = journal->head.load(std::memory_order_acquire);
    const std::uint64_t tail = journal->tail.load(std::memory_order_acquire);
    status.journaled = true;
    status.journal_position = tail;
    status.recorder_lag = tail > head ? tail - head : 0;
  }
  const StagePage* page = sight.page(p);
  if (page == nullptr) return status;
  const auto load = [](const std::atomic<std::uint64_t>& word) {
    return word.load(std::memory_order_acquire);
  };
  status.state = page->stage_state();
  status.wait = name_of(static_cast<WaitStrategy>(load(page->wait)));
  status.cpu = static_cast<int>(load(page->cpu)) - 1;
  status.conditions = load(page->conditions);
  status.obeyed = load(page->obeyed);
  status.recoveries = load(page->recoveries);
  status.build = text_of(page->build_id);
  status.same_build = status.build == text_of(sight.control().build_id);
  status.same_config = load(page->config_hash) == sight.control().config_hash;
  status.same_layout = load(page->layout_hash) == sight.control().header.layout_hash;
  status.fault = text_of(page->fault);
  return status;
}

}  // namespace

Status collect(const Sight& sight) {
  const ControlPage& control = sight.control();
  Status status;
  status.instance = sight.instance;
  status.mode = control.header.mode;
  status.run = control.header.run_ordinal;
  status.run_id = control.header.run_id;
  status.state =
      run_state_name(static_cast<RunState>(control.state.load(std::memory_order_acquire)));
  status.build = text_of(control.build_id);
  status.config_hash = control.config_hash;
  status.state_dir = text_of(control.state_dir);
  status.rate_ppm = control.rate_ppm.load(std::memory_order_acquire);
  const LeaseView lease = look(control.supervisor);
  const Heartbeat beat = control.beat();
  status.supervisor_pid = lease.pid;
  status.supervisor_alive = lease.alive;
  status.supervisor_beat_ns = sight.beat_age(beat.at_us);
  const KillPage* kill = sight.objects.kill;
  if (kill != nullptr) status.serial = kill->serial.load(std::memory_order_acquire);
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!control.scope_exists(scope_at(slot))) continue;
    ScopeStatus scope{scope_at(slot),
                      {},
                      0,
                      -1,
                      control.permit(slot, beat.lease_epoch).valid,
                      control.caps[slot].load(std::memory_order_acquire)};
    if (kill != nullptr) {
      scope.raw = kill->words[slot].load(std::memory_order_acquire);
      scope.word = decode_kill(kill->run_id(), slot, scope.raw);
      scope.since_ns = level_age(sight, slot, scope.word);
    }
    status.scopes.push_back(scope);
  }
  for (const Process p : kProcesses) status.processes.push_back(process_status(sight, p));
  const Selection selection = select(control, "", "");
  status.verdict = verdict_of(sight, selection, walk(sight, selection));
  return status;
}

int run_status(const Options& options, Console& console) {
  const Sight sight = look_at(options);
  const Status status = collect(sight);
  for (const std::string& line : sight.missing) console.say("{}\n", line);
  options.json ? print_json(sight, status, console) : print_text(sight, status, console);
  return static_cast<int>(Exit::Ok);
}

}  // namespace sluice::ctl
