#include "tools/ctl/sight.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/segment.hpp"

namespace sluice::ctl {
namespace {

template <class Attach>
void try_attach(Sight& sight, Attach&& attach) {
  try {
    attach();
  } catch (const Error& error) {
    sight.missing.emplace_back(error.what());
  }
}

// The age of the Level control in a journal ring that told this word; -1 if it is not in the ring
// any more, or no absolute time stands before it. The writer may overwrite what is read: such
// entries fail their checksum and end nothing but this attempt.
std::int64_t level_age_in(const Sight& sight, const JournalMemory& journal, std::size_t slot,
                          const KillWord& word) {
  const std::uint64_t tail = journal.tail.load(std::memory_order_acquire);
  const std::uint64_t capacity = journal.header.capacity;
  JournalDecoder decoder;
  bool timed = false;
  for (std::uint64_t p = tail > capacity ? tail - capacity : 0; p < tail; ++p) {
    JournalEntry entry;
    const auto status = decoder.decode(journal.slots()[p & (capacity - 1)], p, entry);
    if (status == JournalDecoder::Status::Corrupt) timed = false;
    if (status == JournalDecoder::Status::Filler) timed = true;
    if (status != JournalDecoder::Status::Input || entry.edge != Edge::Control) continue;
    const auto control = from_payload<Control>(entry.payload);
    if (control.kind == ControlKind::Level && scope_slot({control.scope, control.index}) == slot &&
        control.epoch == word.epoch)
      return timed ? sight.age_of(entry.now) : -1;
  }
  return -1;
}

}  // namespace

Sight sight_of(std::string instance, const Objects& objects) {
  Sight sight;
  sight.instance = std::move(instance);
  sight.objects = objects;
  const Clock clock(objects.control->calibration);
  sight.now = clock.now();
  sight.liveness_us = clock.liveness_us();
  return sight;
}

std::string choose_instance(const Options& options) {
  if (!options.instance.empty()) return options.instance;
  std::vector<std::string> live;
  std::string other;
  for (const std::string& name : list_instances()) {
    AttachedInstance attached;
    const AttachError error = AttachedInstance::try_open(name, attached);
    if (error == AttachError::None)
      live.push_back(name);
    else
      other += fmt::format("\n  {}: {}: {}", name, name_of(error), advice_for(error));
  }
  if (live.size() == 1) return live.front();
  if (live.empty())
    throw Error(Exit::Unreachable,
                "no instance is live in /dev/shm: start one with sluice-supervisor" + other);
  throw Error(Exit::Usage, fmt::format("several instances are live ({}): name one with --instance",
                                       fmt::join(live, ", ")));
}

Sight look_at(const Options& options) {
  const std::string name = choose_instance(options);
  auto attached =
      std::make_shared<AttachedInstance>(AttachedInstance::open(name, std::chrono::seconds(0)));
  Sight sight;
  try_attach(sight, [&] { attached->attach_kill(Access::ReadOnly); });
  for (const Process p : kProcesses) {
    try_attach(sight, [&] { attached->attach_page(p, Access::ReadOnly); });
    if (has_journal(p)) try_attach(sight, [&] { attached->attach_journal(p, Access::ReadOnly); });
  }
  try_attach(sight, [&] { attached->attach_ring(Edge::RiskGateway, Access::ReadOnly); });
  Sight seen = sight_of(name, attached->objects());
  seen.missing = std::move(sight.missing);
  seen.attached = std::move(attached);
  return seen;
}

void attach_ring(Sight& sight, Edge edge) {
  if (sight.objects.ring[static_cast<std::size_t>(edge)] != nullptr) return;
  sight.attached->attach_ring(edge, Access::ReadOnly);
  sight.objects = sight.attached->objects();
}

std::int64_t level_age(const Sight& sight, std::size_t slot, const KillWord& word) {
  for (const Process p : {Process::Gateway, Process::Risk}) {
    const StagePage* page = sight.page(p);
    // A raise takes a serial, which is its epoch, and one more: the last raise, and when it was
    // obeyed.
    if (page != nullptr &&
        page->obeyed.load(std::memory_order_acquire) == std::uint64_t{word.epoch} + 1)
      return sight.age_of(
          {static_cast<std::int64_t>(page->obeyed_at_ns.load(std::memory_order_relaxed))});
  }
  for (const Process p : {Process::Gateway, Process::Risk}) {
    const JournalMemory* journal = sight.journal(p);
    if (journal == nullptr) continue;
    const std::int64_t found = level_age_in(sight, *journal, slot, word);
    if (found >= 0) return found;
  }
  return -1;
}

}  // namespace sluice::ctl
