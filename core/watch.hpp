// What a gate's driver sees of the control and kill pages, turned into Control records. The pages
// are impure; the stage is told of every difference between them and what its journal already says,
// so the view is rebuilt from the journal after a crash and needs no memory of its own.
//
// Order of a scan: read the serial, then the words (model-checked). When the Controls of a scan
// have been dispatched and everything sent before it is gone, the gate publishes that serial as
// obeyed.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "core/control_page.hpp"
#include "core/journal.hpp"
#include "core/kill_page.hpp"
#include "core/stage_page.hpp"

namespace sluice {

// Age of a CLOCK_BOOTTIME heartbeat. The clock is read before the heartbeat, so a beat may be a
// little younger than "now"; one from far in the future is as void as an old one.
inline std::uint64_t heartbeat_age_us(std::uint64_t now_us, std::uint64_t beat_us) noexcept {
  constexpr std::uint64_t kFuture = 100'000;
  if (beat_us == 0) return ~std::uint64_t{0};
  if (beat_us <= now_us) return now_us - beat_us;
  return beat_us - now_us <= kFuture ? 0 : ~std::uint64_t{0};
}

// Deadlines of the dead man, from design: five missed beats of 100 ms, and the sweep.
inline constexpr std::uint64_t kDeadManUs = 500'000;
inline constexpr std::uint64_t kDeadManCancelUs = 2'000'000;
inline constexpr Duration kScanEvery = Duration::millis(1);
inline constexpr Duration kSuspendedAfter = Duration::millis(250);

struct WatchSources {
  const ControlPage* control = nullptr;
  const KillPage* kill = nullptr;
  const JournalMemory* journal = nullptr;  // own journal: how far the recorder is behind
  const StagePage* peer = nullptr;         // gateway: risk's page; null elsewhere
};

class PageWatch {
 public:
  // What the stage has been told, all of it by Controls: a part of every checkpoint.
  struct Told {
    std::array<KillWord, kScopes> levels{};
    std::array<bool, kScopes> level_known{};
    std::array<Permit, kScopes> permits{};
    std::array<std::int64_t, kScopes> caps{};
    std::int64_t rate_ppm = -1;
    std::uint32_t conditions = 0;
  };

  void attach(const WatchSources& sources) noexcept {
    from_ = sources;
    journal_capacity_ = sources.journal ? sources.journal->header.capacity : 0;
    told_changed();
  }

  // Cheap test of every turn: has anything changed, or is the next full scan due? The recorder's
  // trouble is looked at in each turn, not in each scan: in a millisecond a busy gate fills half a
  // journal ring. It costs the line of `head`, which changes once per write of the recorder.
  [[nodiscard]] bool due(HostTime now) const noexcept {
    if (from_.journal && journal_conditions(*from_.journal) != journal_told_) return true;
    return now >= next_scan_ || from_.kill->serial.load(std::memory_order_relaxed) != serial_ ||
           from_.control->changes.load(std::memory_order_relaxed) != changes_;
  }

  // Emits a Control for every difference. `inject(const Control&) -> bool`; false (no journal room)
  // ends the scan, which is then repeated in the next turn before any other input. Returns true if
  // complete.
  template <class Inject>
  bool scan(HostTime now, std::uint64_t liveness_us, bool suspended, Inject&& inject) noexcept {
    const std::uint64_t serial = from_.kill->serial.load();  // seq_cst: before the words
    seen_ = serial;
    const std::uint64_t changes = from_.control->changes.load(std::memory_order_acquire);
    const Heartbeat beat = from_.control->beat();
    bool complete = scan_scopes(serial, beat.lease_epoch, inject);
    complete = complete && scan_run(inject);
    complete = complete && scan_conditions(conditions_now(liveness_us, beat, suspended), inject);
    if (!complete) return false;
    serial_ = serial;
    changes_ = changes;
    lease_epoch_ = beat.lease_epoch;
    scanned_at_ = now;
    scanned_us_ = liveness_us;
    beat_seen_ = encode_heartbeat(beat);
    dead_at_ = dead_at(beat);
    next_scan_ = now + kScanEvery;
    return true;
  }

  // Every Control that the stage is given passes here, live and in recovery.
  void observe(const Control& control) noexcept {
    const std::size_t slot = scope_slot({control.scope, control.index});
    switch (control.kind) {
      case ControlKind::Level:
        if (slot < kScopes) {
          told_.levels[slot] = {
              static_cast<KillLevel>(control.after), static_cast<KillCause>(control.detail),
              static_cast<std::uint32_t>(control.epoch), control.reserved[0] != 0};
          told_.level_known[slot] = true;
        }
        break;
      case ControlKind::Permit:
        if (slot < kScopes)
          told_.permits[slot] = {control.after != 0, static_cast<std::uint32_t>(control.epoch)};
        break;
      case ControlKind::Cap:
        if (slot < kScopes) told_.caps[slot] = control.after;
        break;
      case ControlKind::Rate: told_.rate_ppm = control.after; break;
      case ControlKind::Conditions:
        told_.conditions = static_cast<std::uint32_t>(control.after);
        told_changed();
        break;
      case ControlKind::RunStart:
      case ControlKind::EdgeBase:
      case ControlKind::Recovered:
      case ControlKind::EdgeFull:
      case ControlKind::EdgeRoom:
      case ControlKind::Continue:
      case ControlKind::Deadline:
      case ControlKind::Time: break;
    }
  }

  [[nodiscard]] const Told& told() const noexcept { return told_; }
  void restore(const Told& told) noexcept {
    told_ = told;
    told_changed();
    verified_.fill({});
  }

  // Serial read by the last scan, complete or not.
  [[nodiscard]] std::uint64_t serial() const noexcept { return seen_; }
  [[nodiscard]] std::uint32_t conditions() const noexcept { return told_.conditions; }
  // The same with the supervisor's heartbeat as it is at `now`, a stamp at or behind the last
  // scan's: host time and liveness run alike for the moment in between.
  [[nodiscard]] std::uint32_t conditions_at(HostTime now) const noexcept {
    const std::uint64_t word = from_.control->heartbeat.load(std::memory_order_acquire);
    const HostTime dead = word == beat_seen_ ? dead_at_ : dead_at(decode_heartbeat(word));
    return told_.conditions | (now > dead ? kDeadMan : 0u);
  }
  [[nodiscard]] std::uint16_t lease_epoch() const noexcept { return lease_epoch_; }

 private:
  static Control about(ControlKind kind, std::size_t slot) noexcept {
    const Scope scope = scope_at(slot);
    Control control{};
    control.kind = kind;
    control.scope = scope.kind;
    control.index = scope.index;
    return control;
  }

  // The words of a scope as they stood when they said just what the stage had been told: while they
  // stand, nothing about them is decoded again.
  struct Verified {
    std::uint64_t kill = 0;
    std::uint64_t permit = 0;
    std::int64_t cap = 0;
    bool valid = false;
    [[nodiscard]] bool operator==(const Verified&) const noexcept = default;
  };

  // What words are decoded by; of another run or lease they say something else.
  struct Meaning {
    std::uint64_t kill_run = 0;
    std::uint64_t control_run = 0;
    std::uint16_t lease_epoch = 0;
    [[nodiscard]] bool operator==(const Meaning&) const noexcept = default;
  };

  template <class Inject>
  bool scan_scopes(std::uint64_t serial, std::uint16_t lease_epoch, Inject& inject) noexcept {
    const Meaning meaning{from_.kill->run_id(), from_.control->header.run_id, lease_epoch};
    if (meaning != meaning_) verified_.fill({});
    meaning_ = meaning;
    return from_.control->each_scope([&](std::size_t slot) {
      // acquire: pairs with the CAS of raise and rearm, and with the supervisor's stores
      const Verified seen{from_.kill->words[slot].load(std::memory_order_acquire),
                          from_.control->permits[slot].load(std::memory_order_acquire),
                          from_.control->caps[slot].load(std::memory_order_acquire), true};
      if (seen == verified_[slot]) [[likely]]
        return true;
      return scan_scope(slot, seen, serial, lease_epoch, inject);
    });
  }

  template <class Inject>
  [[gnu::noinline]] bool scan_scope(std::size_t slot, const Verified& seen, std::uint64_t serial,
                                    std::uint16_t lease_epoch, Inject& inject) noexcept {
    const KillWord word = decode_kill(from_.kill->run_id(), slot, seen.kill);
    if ((!told_.level_known[slot] || !(word == told_.levels[slot])) &&
        !tell_level(slot, word, serial, inject))
      return false;
    const Permit permit =
        decode_permit(from_.control->header.run_id, lease_epoch, slot, seen.permit);
    if (!(permit == told_.permits[slot])) {
      Control control = about(ControlKind::Permit, slot);
      control.before = told_.permits[slot].valid;
      control.after = permit.valid;
      control.epoch = permit.epoch;
      if (!inject(control)) return false;
    }
    if (seen.cap != told_.caps[slot]) {
      Control control = about(ControlKind::Cap, slot);
      control.before = told_.caps[slot];
      control.after = seen.cap;
      if (!inject(control)) return false;
    }
    verified_[slot] = seen;
    return true;
  }

  template <class Inject>
  bool tell_level(std::size_t slot, const KillWord& word, std::uint64_t serial,
                  Inject& inject) noexcept {
    Control control = about(ControlKind::Level, slot);
    control.before = static_cast<std::int64_t>(told_.levels[slot].level);
    control.after = static_cast<std::int64_t>(word.level);
    control.detail = static_cast<std::uint8_t>(word.cause);
    control.epoch = word.epoch;
    control.serial = serial;
    control.reserved[0] = word.valid ? 1 : 0;
    return inject(control);
  }

  template <class Inject>
  bool scan_run(Inject& inject) noexcept {
    const std::int64_t rate = from_.control->rate_ppm.load(std::memory_order_acquire);
    if (rate == told_.rate_ppm) return true;
    Control control = about(ControlKind::Rate, 0);
    control.before = told_.rate_ppm;
    control.after = rate;
    return inject(control);
  }

  template <class Inject>
  bool scan_conditions(std::uint32_t now, Inject& inject) noexcept {
    if (now == told_.conditions) return true;
    Control control = about(ControlKind::Conditions, 0);
    control.before = told_.conditions;
    control.after = now;
    return inject(control);
  }

  [[nodiscard]] std::uint32_t conditions_now(std::uint64_t liveness_us, Heartbeat beat,
                                             bool suspended) const noexcept {
    std::uint32_t now = suspended ? kSuspended : 0u;
    const std::uint64_t age = heartbeat_age_us(liveness_us, beat.at_us);
    if (age > kDeadManUs) now |= kDeadMan;
    if (age > kDeadManCancelUs) now |= kDeadManCancel;
    if (from_.journal) now |= journal_conditions(*from_.journal);
    if (from_.peer) {
      const std::uint64_t beat_us = from_.peer->heartbeat_us.load(std::memory_order_relaxed);
      if (from_.peer->stage_state() != StageState::Ready ||
          heartbeat_age_us(liveness_us, beat_us) > kDeadManUs)
        now |= kPeerDead;
    }
    return now;
  }

  // Host time behind which a heartbeat is too old; one that is not to be believed is always.
  [[nodiscard]] HostTime dead_at(Heartbeat beat) const noexcept {
    const std::uint64_t age = heartbeat_age_us(scanned_us_, beat.at_us);
    if (age > kDeadManUs) return {std::numeric_limits<std::int64_t>::min()};
    const auto left = static_cast<std::int64_t>(kDeadManUs + beat.at_us - scanned_us_);
    return scanned_at_ + Duration::micros(left);
  }

  // Half a ring behind raises the condition, a quarter lifts it again.
  void told_changed() noexcept {
    journal_told_ = told_.conditions & (kJournalBehind | kDiskLow);
    const bool behind = (told_.conditions & kJournalBehind) != 0;
    behind_limit_ = behind ? journal_capacity_ / 4 : journal_capacity_ / 2;
  }
  [[nodiscard]] std::uint32_t journal_conditions(const JournalMemory& journal) const noexcept {
    const std::uint64_t behind =
        journal.tail.load(std::memory_order_relaxed) - journal.head.load(std::memory_order_relaxed);
    std::uint32_t now = behind > behind_limit_ ? kJournalBehind : 0u;
    if ((journal.flags.load(std::memory_order_relaxed) & kRecorderDiskTrouble) != 0)
      now |= kDiskLow;
    return now;
  }

  WatchSources from_;
  std::uint64_t journal_capacity_ = 0;  // read once: a damaged header must not move the threshold
  std::uint64_t seen_ = 0;
  std::uint64_t serial_ = ~std::uint64_t{0};  // of the last complete scan
  std::uint64_t changes_ = ~std::uint64_t{0};
  HostTime next_scan_;
  HostTime scanned_at_;           // of the last complete scan
  std::uint64_t scanned_us_ = 0;  // its liveness
  std::uint64_t beat_seen_ = 0;   // its heartbeat word
  HostTime dead_at_{std::numeric_limits<std::int64_t>::min()};
  std::uint16_t lease_epoch_ = 0;
  std::uint64_t behind_limit_ = 0;  // entries that the recorder may be behind
  std::uint32_t journal_told_ = 0;  // of told_.conditions: what the journal is asked for
  Told told_;
  Meaning meaning_;  // of `verified_`
  std::array<Verified, kScopes> verified_{};
};

}  // namespace sluice
