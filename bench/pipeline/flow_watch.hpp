// One whole flow through the running processes, seen from outside: taps on the rings of intents,
// orders and reports, and the venue's log. Nothing here slows what it watches.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/instance.hpp"
#include "core/journal.hpp"

namespace sluice::bench {

// What happens in a flow, in this order. The stamp of each is the record's own.
enum class Mark : std::uint8_t {
  Tick = 0,       // the breakout was sent
  Intent = 1,     // the strategy has decided
  Order = 2,      // risk has approved
  Sent = 3,       // the entry is with the venue
  Fill = 4,       // it has traded
  Report = 5,     // the gateway has reported the fill
  ExitOrder = 6,  // risk has taken the profit
  ExitSent = 7,
  ExitFill = 8,
  ExitReport = 9
};
inline constexpr std::size_t kMarks = 10;
inline constexpr std::array<std::string_view, kMarks> kMarkNames{
    "tick",   "intent",     "order",     "sent",      "fill",
    "report", "exit order", "exit sent", "exit fill", "exit report"};

struct Flow {
  std::array<HostTime, kMarks> at{};
  std::size_t seen = 0;  // marks so far, without a gap
  [[nodiscard]] bool complete() const noexcept { return seen == kMarks; }
  [[nodiscard]] bool has(Mark mark) const noexcept {
    return at[static_cast<std::size_t>(mark)].ns != 0;
  }
};

class FlowWatch {
 public:
  // From now on.
  explicit FlowWatch(const Objects& objects);

  void begin(HostTime tick) noexcept;
  // Takes what has happened since. False: a record was overwritten before it was seen, or does not
  // belong to this flow, or the entry was refused.
  [[nodiscard]] bool poll() noexcept;
  [[nodiscard]] const Flow& flow() const noexcept { return flow_; }

 private:
  void mark(Mark mark, HostTime at) noexcept;
  bool take(const Order& order) noexcept;
  bool take(const Report& report) noexcept;
  bool take(const PaperEntry& entry) noexcept;
  [[nodiscard]] bool poll_log() noexcept;

  const JournalMemory& log_;
  RingTap intents_;
  RingTap orders_;
  RingTap reports_;
  JournalDecoder decoder_;
  std::uint64_t log_at_ = 0;
  Flow flow_;
  OrderId entry_{};
  OrderId exit_{};
};

}  // namespace sluice::bench
