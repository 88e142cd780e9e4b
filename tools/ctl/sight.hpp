// What sluicectl sees of one instance: its pages mapped read-only, and the time on its clock.
//
// Everything but the control page may be missing; a missing page is a null pointer and a line in
// `missing`. A test makes a Sight from an instance in its own memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/instance.hpp"
#include "core/watch.hpp"
#include "tools/ctl/options.hpp"

namespace sluice::ctl {

struct Sight {
  std::string instance;
  Objects objects;
  HostTime now;
  std::uint64_t liveness_us = 0;
  std::vector<std::string> missing;
  std::shared_ptr<AttachedInstance> attached;  // keeps the mappings

  [[nodiscard]] const ControlPage& control() const noexcept { return *objects.control; }
  // Null if the process has no page here.
  [[nodiscard]] const StagePage* page(Process p) const noexcept {
    return objects.stage[static_cast<std::size_t>(p)];
  }
  [[nodiscard]] const JournalMemory* journal(Process p) const noexcept {
    return objects.journal[static_cast<std::size_t>(p)];
  }
  // Age of a host stamp in ns; -1 if it was never set.
  [[nodiscard]] std::int64_t age_of(HostTime at) const noexcept {
    return at.ns == 0 ? -1 : now < at ? 0 : (now - at).ns;
  }
  // Age of a CLOCK_BOOTTIME stamp in us, as ns. The time was taken before the pages are read, so a
  // beat may be a little ahead of it. -1 if it was never set or lies further ahead: that is no
  // heartbeat.
  [[nodiscard]] std::int64_t beat_age(std::uint64_t at_us) const noexcept {
    if (at_us == 0 || at_us > liveness_us + kDeadManUs) return -1;
    return at_us > liveness_us ? 0 : static_cast<std::int64_t>((liveness_us - at_us) * 1'000);
  }
};

// Objects that have their own lifetime, seen now.
Sight sight_of(std::string instance, const Objects& objects);

// The instance that is meant: the one named, or the only live one. Throws Error: Usage if several
// are live, Unreachable if none is.
std::string choose_instance(const Options& options);
// Attaches what is there of it. Throws Error (Unreachable) without a control page.
Sight look_at(const Options& options);
void attach_ring(Sight& sight, Edge edge);  // throws Error

// Since when a kill word stands: the age of the moment a gate first saw it; -1 if nobody remembers.
std::int64_t level_age(const Sight& sight, std::size_t slot, const KillWord& word);

}  // namespace sluice::ctl
